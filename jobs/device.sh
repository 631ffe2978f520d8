#!/bin/bash
# What bits and noise cost: the paper's equation, tt rank 4, finite differences and the sparse grid, signRGE, and the MNIST train of rank 6 by the hybrid
# solver, on models of hardware (README, -net_weight_bits ...).
#   bash jobs/device.sh; python3 jobs/paper/report.py        variables: jobs/paper/lib.sh; MNIST: the images, as for table1.sh
# wB: weights of B bits; aB: activations of B bits; nS: independent noise of the weights of deviation S, new for each query; cS: common to the queries of a
# step; mzi: a train of meshes of interferometers; sg-: by the sparse grid; mnist-: the classifier
. "$(dirname "$0")/paper/lib.sh"

steps=${STEPS:-600}
# mu above the distance of the levels, two-sided so that its bias is of second order; the figure is that of the model as the hardware has it
short="-tao_type zosign -zo_queries 10 -zo_two_sided -zo_lr 2e-3 -zo_momentum 0.9 -zo_lr_schedule exponential -zo_lr_factor 0.01 -zo_lr_every $steps -tao_max_it $steps -loss_points 12 -tz_validate_every 0 -tz_validation_points 1000"
device() { row device "$1" - $hjb $tt4 $fd $short "${@:2}"; }
both() { device "$@"; row device "sg-$1" - $hjb $tt4 $sg $short "${@:2}"; }

both full -zo_mu 1e-2
for bits in 16 12 8; do both w$bits -zo_mu 1e-2 -net_weight_bits $bits; done
both w6 -zo_mu 3e-2 -net_weight_bits 6
device w8-small-mu -zo_mu 1e-4 -net_weight_bits 8
longer="-zo_lr_every 1500 -tao_max_it 1500"
device full-1500 -zo_mu 1e-2 $longer
both w8-1500 -zo_mu 1e-2 -net_weight_bits 8 $longer
device w6-1500 -zo_mu 3e-2 -net_weight_bits 6 $longer
for noise in 1e-4 1e-3 1e-2 1e-1; do both n$noise -zo_mu 3e-2 -net_noise_weight $noise; done
for noise in 1e-2 1e-1; do device c$noise -zo_mu 1e-2 -net_noise_weight $noise -net_noise_per step; done
# values alone, one by one: fewer steps, and differences of 0.1, which multiply what is lost of a value by 100 in place of 10,000
values="-zo_mu 3e-2 -fd_step 0.1 -zo_lr_every 200 -tao_max_it 200"
device full-200 $values
for bits in 16 12 8 6; do device a$bits $values -net_activation_bits $bits; done
device a8-step1 $values -net_activation_bits 8 -fd_step 1

# trained from the phases of its meshes (mzi-tt): ideal, and with cross-talk 0.005 and noise of the phases, independent for each query, or 8 bits of them
mzi() { both "mzi$1" -net_format mzi-tt "${@:2}"; }
mzi "" -zo_mu 1e-2
for noise in 1e-3 1e-2; do mzi -n$noise -zo_mu 3e-2 -net_noise_weight $noise -net_mzi_crosstalk 0.005; done
mzi -w8 -zo_mu 1e-2 -net_weight_bits 8 -net_mzi_crosstalk 0.005

# the rates of table1.sh, mu of the levels' size; 6 bits with two epochs, of which the first phase has 120 steps
. "$here/mnist.sh"
digital() { VERB=classify row device "mnist-$1" - $tt6 $hybrid "${@:2}"; }
digital w8 -net_weight_bits 8 -zo_mu 1e-2
digital w6 $early -tz_epochs 2 -net_weight_bits 6 -zo_mu 4e-2
