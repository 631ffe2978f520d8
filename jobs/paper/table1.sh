#!/bin/bash
# Table 1: MNIST, 784-1024-10 dense, as trains of rank 6 and sparse, and 784-10-10: first order, ZO-signRGE, hybrid ZO.
# The dense network of 814,090 parameters gets as many zeroth-order steps as about two minutes of one core allow, not an hour's; its hybrid takes the second
# phase after 120 steps, however well the first one does: half a minute of CGE gives more than the whole of signRGE.
. "$(dirname "$0")/mnist.sh"

digits mlp-fo 97.43 $mlp $fo
digits mlp-sign - $mlp $sign $brief
digits mlp-hybrid 83.58 $mlp $hybrid $early
digits mlp10-fo 93.69 $mlp10 $fo
digits mlp10-sign 61.51 $mlp10 $sign
digits mlp10-hybrid 86.47 $mlp10 $hybrid
digits tt6-fo 97.16 $tt6 $fo
digits tt6-sign 88.48 $tt6 $sign
digits tt6-hybrid 96.64 $tt6 $hybrid
digits sp-fo 86.36 $sp $fo -zo_lr 0.15 -tz_epochs 10
digits sp-sign 83.39 $sp $sign -tz_epochs 6
digits sp-hybrid 92.24 $sp $hybrid -zo_cge_lr 0.15 -tz_epochs 10
