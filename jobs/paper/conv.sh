#!/bin/bash
# Convolutions: MNIST, 8 filters of 5 x 5, 16 of 8 x 5 x 5, each with the largest of 2 x 2 squares, then 32 rectifier units. Dense filters (3,400 numbers) against
# tensor trains over channels, rows, columns and filters of ranks 3 and 4 (340, a tenth; the layer of 32 units too: rank 16, 4,864 for 8,192), first order
# against hybrid ZO: signRGE, then CGE with structured coordinate queries (only the parameter's layer and those above are evaluated again).
. "$(dirname "$0")/mnist.sh"

net="-net_conv 8x5x5,16x5x5 -net_layers 32 -loss_block 64 -zo_momentum 0.9 -zo_lr_schedule cosine -tz_validate_every 469"
dense="$net -net_format dense"
train="$net -net_format tt -net_tt_rank 3,4,16 -net_tt_modes 5,5|8;8,5,5|16;16,16|32"
fo="-tao_type tzsgd -zo_lr 0.05 -tz_epochs 4"
hybrid="-tao_type zohybrid -zo_queries 10 -zo_lr 1e-3 -zo_mu 1e-4 -zo_phase2_lr 0.03 -zo_patience_window 50 -zo_patience 100 -zo_patience_tol 0.1 -tz_epochs 2.5"
row_conv() { VERB=classify row conv "$@"; }

row_conv dense-fo - $dense $fo
row_conv tt-fo - $train $fo -zo_lr 0.03 # 0.1 diverged
row_conv tt-hybrid - $train $hybrid
row_conv dense-hybrid - $dense $hybrid
