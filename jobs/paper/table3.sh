#!/bin/bash
# Table 3: MNIST, training without back-propagation compared. Where the source gives only a number of parameters, the network is
#   272K  784-258-258-10, 271,942      429K  784-368-368-10, 428,362 (the source's are mixers of patches, not perceptrons)
#   784K  784-1000-10, 795,010 (784K: the weights of its first layer)      1.26M  784-800-800-10, 1,276,810 (1.27M: its hidden layers)
# LG-FG-A adds local classifiers to these, which the trained network does not use. FLOPS, STP and SZO-SCD: the dense network of Table 1.
. "$(dirname "$0")/mnist.sh"

small="-net_format dense -net_layers 258,258"
large="-net_format dense -net_layers 368,368"
sgd="-tao_type sgd $common"

digits tt6-hybrid 96.64 $tt6 $hybrid
digits sp-hybrid 92.24 $sp $hybrid
