#!/bin/bash
# Table 2: MNIST, tensor-train matrices of ranks 10, 6, and 5 with 3 (8,314, 3,962 and 2,694 parameters): first order, ZO-RGE, ZO-signRGE, hybrid ZO.
# The rows of the dense network and of rank 6 are those of Table 1.
. "$(dirname "$0")/mnist.sh"

digits mlp-fo mlp-rge mlp-sign tt10-fo tt10-rge tt10-sign tt10-hybrid tt6-fo tt6-rge tt6-sign tt6-hybrid tt53-fo tt53-rge tt53-sign \
  tt53-hybrid
