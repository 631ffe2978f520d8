#!/bin/bash
# Figure 1: accuracy of the rank-6 network under ZO-RGE, ZO-signRGE, ZO-CGE, hybrid ZO and first order, against epochs and against forward evaluations:
# figure1.png, and what 85 % took of each in results/figure1.md. The first of SEEDS is drawn; Python with h5py and matplotlib is needed (PYTHON).
. "$(dirname "$0")/mnist.sh"

digits tt6-hybrid tt6-sign tt6-rge tt6-cge tt6-fo

if [ "$ROWS" = "*" ] && [ -z "${SLURM_ARRAY_TASK_ID:-}" ]; then
  printf '## Figure 1: what 85 %% of the test images took\n\n![accuracy](figure1.png)\n\n' > "$RESULTS/figure1.md"
  for r in rge sign cge hybrid fo; do echo "$OUT/mnist/tt6-$r.s${SEEDS%% *}.h5"; done | xargs "${PYTHON:-python3}" jobs/plot.py accuracy "$here/figure1.png" >> "$RESULTS/figure1.md"
fi
