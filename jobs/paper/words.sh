#!/bin/bash
# Embedding tables: the language of a single word (English, German, French, Spanish, Italian) from its letters' trigrams and 4-grams, a table of 20,000 rows x 64,
# summed, then 5 outputs. Dense (1,280,000 numbers) against a tensor-train matrix of rank 14 (22,960, a fifty-sixth), first order against hybrid ZO.
# Words: jobs/paper/words.py, which tells the split; the lists are Debian's packages wamerican, wngerman, wfrench, wspanish, witalian, installed where they
# are missing. WORDS: where the lists of tokens are (default: $OUT/words). The dense table has some 1.3 million coordinates a step: its hybrid
# has a tenth of the steps, and takes several times as long.
. "$(dirname "$0")/lib.sh"
WORDS=${WORDS:-$OUT/words}

if [ ! -f "$WORDS/words-test.txt" ]; then
  for list in american-english ngerman french spanish italian; do
    [ -f "/usr/share/dict/$list" ] && continue
    sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get -q update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends wamerican wngerman wfrench wspanish witalian || exit 1
    break
  done
  mkdir -p "$WORDS" && python3 "$here/words.py" "$WORDS" || exit 1
fi
cd "$WORDS" || exit 1

export PETSC_OPTIONS="-tokens_train words-train.txt -tokens_test words-test.txt ${PETSC_OPTIONS:-}"

words="-net_rows 20000 -net_layers 64 -loss_block 64 -tz_validate_every 500"
dense="$words -net_format dense"
train="$words -net_format ttm -net_tt_rank 14 -net_tt_modes 20,25,40|4,4,4;4,4,4|1,1,5"
fo="-tao_type tzsgd -zo_lr 0.1 -zo_momentum 0.9 -zo_lr_schedule cosine -tz_epochs 4"
hybrid="-tao_type zohybrid -zo_queries 10 -zo_lr 1e-3 -zo_mu 1e-4 -zo_momentum 0.9 -zo_patience_window 100 -zo_patience 200 -zo_patience_tol 0.05 -zo_phase2_lr 0.1 -zo_lr_schedule cosine -tz_epochs 2"
row_words() { VERB=classify row words "$@"; }

row_words dense-fo - $dense $fo
row_words ttm-fo - $train $fo -tz_epochs 8 # 4 gave 90.3
row_words ttm-hybrid - $train $hybrid
# 1,280,389 coordinates a step, 2 s: CGE after 120 steps, 300 in all
row_words dense-hybrid - $dense $hybrid -zo_patience 60 -zo_patience_window 60 -zo_patience_tol 0.9 -tz_epochs 0.2 -tz_validate_every 50
