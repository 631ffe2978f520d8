#!/bin/bash
# Table 1: MNIST, networks of 784-1024-10 and 784-10-10: first order, ZO-signRGE and hybrid ZO. The dense network of 814,090 parameters is beyond what
# zeroth-order training of one core finishes: its rows are as long as about two minutes allow (an hour for the paper's 100 epochs of signRGE would be two).
. "$(dirname "$0")/mnist.sh"

digits tt6-hybrid 96.64 $tt6 $hybrid
digits tt6-sign 88.48 $tt6 $sign
digits tt6-fo 97.16 $tt6 $fo
digits mlp-fo 97.43 $mlp $fo
digits mlp-sign - $mlp $sign -tao_max_it 900 -tz_validate_every 300
digits mlp-hybrid 83.58 $mlp $hybrid -zo_patience 150 -zo_patience_window 150 -zo_patience_tol 0.5 -tao_max_it 350 -tz_validate_every 50
digits mlp10-fo 93.69 $mlp10 $fo
digits mlp10-sign 61.51 $mlp10 $sign
digits mlp10-hybrid 86.47 $mlp10 $hybrid
digits sp-fo 86.36 $sp $fo
digits sp-sign 83.39 $sp $sign
digits sp-hybrid 92.24 $sp $hybrid
