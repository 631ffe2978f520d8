#!/bin/bash
# Table 3: MNIST, training without back-propagation compared. Where the source gives only a number of parameters, the network is
#   272K  784-256-256-10, 269,322      429K  784-368-368-10, 428,362 (the source's are mixers of patches, not perceptrons)
#   784K  784-1000-10, 795,010 (784K: the weights of its first layer)      1.26M  784-800-800-10, 1,276,810 (1.27M: its hidden layers)
# LG-FG-A adds local classifiers to these, which only training uses. FLOPS, STP and SZO-SCD train the dense network of Table 1, for about two minutes.
. "$(dirname "$0")/mnist.sh"

small="-net_format dense -net_layers 256,256"
large="-net_format dense -net_layers 368,368"
fgw="-tao_type fgw -zo_queries 10 -zo_lr 5e-4 $common -tz_epochs 0.5" # one direction a step diverged even at 1e-4
local="-tao_type sgd -loss_gradient local -loss_groups 16 -zo_lr 2e-3 $common -tz_epochs 3"

digits mlp-hybrid 83.58 $mlp $hybrid $early
digits tt6-hybrid 96.64 $tt6 $hybrid
digits sp-hybrid 92.24 $sp $hybrid -zo_cge_lr 0.15 -tz_epochs 10
digits flops 83.50 $mlp -tao_type flops -zo_lr 5e-3 -zo_mu 1e-4 $common -tz_epochs 0.06
digits stp 90.20 $mlp -tao_type stp -zo_lr 2e-2 $common -zo_momentum 0 -tz_epochs 0.5
digits szoscd 93.50 $mlp -tao_type szoscd -zo_lr 2e-2 $common -zo_momentum 0 -tz_epochs 1
digits fgw-272k 90.75 $small $fgw
digits fgw-429k 91.44 $large $fgw
digits lgfga-272k 96.76 $small $local
digits lgfga-429k 97.45 $large $local
digits fa 97.90 -net_format dense -net_layers 1000 -tao_type sgd -loss_gradient fa -zo_lr 1e-2 $common -tz_epochs 2
digits dfa 98.30 -net_format dense -net_layers 800,800 -tao_type sgd -loss_gradient dfa -zo_lr 5e-3 $common -tz_epochs 1.5
