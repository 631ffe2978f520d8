#!/bin/bash
# Table 2: MNIST, tensor-train matrices of ranks 10, 6, and 5 with 3 (8,314, 3,962 and 2,694 parameters): first order, ZO-RGE, ZO-signRGE, hybrid ZO.
# The rows of the dense network and of rank 6 are those of Table 1.
. "$(dirname "$0")/mnist.sh"

digits mlp-fo 97.43 $mlp $fo
digits mlp-rge - $mlp $rge $brief -zo_lr 3e-4
digits mlp-sign - $mlp $sign $brief
digits tt10-fo 97.33 $tt10 $fo
digits tt10-rge 85.14 $tt10 $rge -zo_lr 2.5e-4
digits tt10-sign 87.87 $tt10 $sign -zo_lr 1e-3 -tz_epochs 5
digits tt10-hybrid 96.77 $tt10 $hybrid
digits tt6-fo 97.16 $tt6 $fo
digits tt6-rge 87.72 $tt6 $rge
digits tt6-sign 88.48 $tt6 $sign
digits tt6-hybrid 96.64 $tt6 $hybrid
digits tt53-fo 96.47 $tt53 $fo
digits tt53-rge 89.67 $tt53 $rge
digits tt53-sign 89.01 $tt53 $sign
digits tt53-hybrid 95.83 $tt53 $hybrid
