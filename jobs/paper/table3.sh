#!/bin/bash
# Table 3: MNIST, training without back-propagation compared. mnist.sh says which network stands for a number of parameters.
. "$(dirname "$0")/mnist.sh"

digits mlp-hybrid tt6-hybrid sp-hybrid flops stp szoscd fgw-272k fgw-429k lgfga-272k lgfga-429k fa dfa
