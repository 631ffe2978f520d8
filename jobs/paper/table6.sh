#!/bin/bash
# Table 6: networks of about 7,700 trained parameters. We count every trained number, biases included: FC-3 of width 78 then has 7,957 (7,800
# without biases), FC-2 of width 320 7,361, SP-3 7,603 of which 1,537 are biases. FO-AD by Adam; ZO-SG by ZO-signRGE; extra rows: Gauss-Newton in
# the span of 40 directions (zogn). Matrices without bonds are costly under the sparse grid: there, fewer steps, and 3 or 1 seeds.
# FC-3 of width 768 and TT-3 under ZO-SG are rows of tables 4 and 5, from where report.py takes them.
. "$(dirname "$0")/lib.sh"

fc3="-net_format dense -net_layers 78,78"
fc2="-net_format dense -net_layers 320"
sp3="-net_format sparse -net_layers 768,768 -net_sparse_count 7603"
adam() { echo "-tao_type tzadam -zo_lr $1 -zo_beta2 0.99 -zo_lr_schedule cosine -loss_points 24 -tao_max_it $2 -tz_validate_every 200"; }
# matrices without bonds are free to fit few points exactly: 400 of them, not 48
gn="-tao_type zogn -zo_queries 40 -zo_mu 1e-4 -loss_points 400 -tz_validate_every 20"
# sign STEPS POINTS LR
sign() { echo "-tao_type zosign -zo_queries 5 -zo_mu 1e-4 -zo_lr $3 -zo_lr_schedule exponential -zo_lr_factor 0.01 -zo_lr_every $1 -tao_max_it $1 -loss_points $2 -tz_validate_every 500"; }

# a sparse network takes larger steps
many="$(many 20 952 8 0.01) -zo_lr 2e-3 -tz_validate_every 200"

row table6 fc3-78-fo-ad 1.52E-02 $hjb $fc3 $ad $(adam 5e-3 3000)
row table6 fc2-320-fo-ad 6.55E-04 $hjb $fc2 $ad $(adam 5e-3 3000)
row table6 tt3-fo-ad 4.25E-05 $hjb $tt10 $ad $(adam 5e-3 3000)
row table6 sp3-grasp-fo-ad 1.54E-09 $hjb $sp3 -net_sparse_method grasp $ad $(adam 5e-3 4000)
row table6 sp3-zograsp-fo-ad - $hjb $sp3 -net_sparse_method zograsp $ad $(adam 5e-3 4000)
row table6 fc2-320-zo-sg 1.00E-02 $hjb $fc2 $sg $(sign 3000 8 1e-3)
row table6 fc3-78-zo-sg 4.35E-02 $hjb $fc3 $sg $(sign 4500 8 1e-3)
row table6 sp3-grasp-zo-sg 6.29E-05 $hjb $sp3 -net_sparse_method grasp $sg $many
row table6 sp3-zograsp-zo-sg - $hjb $sp3 -net_sparse_method zograsp $sg $many
row table6 sp3-grasp-zo-ad - $hjb $sp3 -net_sparse_method grasp $ad $many
row table6 fc3-78-zo-ad - $hjb $fc3 $ad $(sign 6000 24 1e-3)
row table6 fc2-320-zo-ad - $hjb $fc2 $ad $(sign 6000 24 1e-3)
row table6 tt3-zogn-ad - $hjb $tt10 $ad $gn -tao_max_it 100
row table6 fc2-320-zogn-ad - $hjb $fc2 $ad $gn -tao_max_it 60
