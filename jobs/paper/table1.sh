#!/bin/bash
# Table 1: MNIST, 784-1024-10 dense, as trains of rank 6 and sparse, and 784-10-10: first order, ZO-signRGE, hybrid ZO.
# The dense network of 814,090 parameters gets as many zeroth-order steps as about two minutes of one core allow, not an hour's; its hybrid takes the second
# phase after 120 steps, however well the first one does: half a minute of CGE gives more than the whole of signRGE.
. "$(dirname "$0")/mnist.sh"

digits mlp-fo mlp-sign mlp-hybrid mlp10-fo mlp10-sign mlp10-hybrid tt6-fo tt6-sign tt6-hybrid sp-fo sp-sign sp-hybrid
