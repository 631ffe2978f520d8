#!/bin/bash
# classify and eval, end to end, on a small set of digits that is made here: they learn, on any number of ranks the same; resuming;
# wrong files. Where the real MNIST is, a short run on it.
. "$(dirname "$0")/lib.sh"

digits
small="-mnist_dir . -net_layers 32 -net_tt_rank 3 -net_tt_modes 8,8|8,4;8,4|5,2 -tz_quiet"
at_least() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a >= b)}'; }

# --- every kind of training learns (a guess is right once in ten), and is the same on 1, 2 and 3 ranks ---
train() { # train NAME ACCURACY OPTIONS...
  local name=$1 least=$2; shift 2
  for n in 1 2 3; do
    rm -f "$name.h5"
    on $n classify $small "$@" -tz_output "$name.h5" >"$name.$n.txt" 2>&1
    ok "$name: same on $n ranks" same "$(field theta "$name.1.txt")" "$(field theta "$name.$n.txt")"
  done
  ok "$name: accuracy $(field accuracy "$name.1.txt") >= $least" at_least "$(field accuracy "$name.1.txt")" "$least"
}
hybrid="-tao_type zohybrid -zo_lr 1e-2 -zo_patience 10 -zo_patience_window 5 -zo_patience_tol 0.1 -zo_phase2_lr 0.05 -zo_phase2_mu 1e-3"
train hybrid 0.95 $hybrid -tz_epochs 6
train sign 0.6 -tao_type zosign -zo_lr 1e-2 -tz_epochs 10 -zo_lr_schedule cosine
train sgd 0.95 -tao_type tzsgd -zo_lr 0.05 -tz_epochs 5
train dense 0.95 -tao_type zocge -zo_lr 0.05 -zo_mu 1e-3 -net_format dense -net_layers 10 -tz_epochs 4

# --- eval: the accuracy of the run; a confusion matrix whose sum is the number of images ---
on 2 eval -tz_model hybrid.h5 -mnist_dir . -tz_output predictions.h5 >eval.txt 2>&1
ok "eval: accuracy" same "$(field accuracy hybrid.1.txt)" "$(field accuracy eval.txt)"
ok "eval: parameters" same "$(field theta hybrid.1.txt)" "$(field theta eval.txt)"
ok "eval: confusion matrix" same 500 "$(sed -n 2,11p eval.txt | tr -s ' ' '\n' | awk '{s += $1} END {print s}')"
right=$(h5dump -d /prediction -y -w 1 predictions.h5 | awk '/DATA/ {d = 1; next} d && /[0-9]/ {n += ($1 + 0 == (k++ % 10))} END {print n / 500}')
on 1 export -tz_model hybrid.h5 -tz_output model.c >/dev/null 2>refused.txt
ok "export: a classifier is refused" grep -q '^tenzo: error: -tz_model hybrid.h5: the model of a classifier; must be that of an equation' refused.txt
ok "eval: predictions in the file" same "$(field accuracy eval.txt)" "$right"

# --- 4 + 2 epochs are 6, bit by bit, through both phases of the hybrid ---
for first in 1 4; do
  rm -f half.h5
  on 1 classify $small $hybrid -tz_epochs $first -tz_output half.h5 >half.txt 2>&1
  on 2 classify -tz_resume half.h5 -mnist_dir . -tz_epochs 6 -tz_quiet >more.txt 2>&1
  ok "resumed after $first epochs" same "$(field theta hybrid.1.txt)" "$(field theta more.txt)"
done

# --- convolutions; lists of tokens: a label's tokens are near 6 times the label ---
perl -e '
  srand(2);
  for (["words.txt", 2000], ["more.txt", 500]) {
    open(F, ">", $_->[0]); print F "# label, tokens\n";
    for my $i (0 .. $_->[1] - 1) { print F $i % 10, "\t", join(" ", map { rand() < 0.7 ? 6 * ($i % 10) + int(rand(6)) : int(rand(60)) } 0 .. 1 + $i % 5), "\n"; }
    close F;
  }'
whole=$small
small="-mnist_dir . -tz_quiet -net_format tt -net_tt_rank 3"
train conv 0.65 $hybrid -tz_epochs 4 -net_conv 6x3x3 -net_layers 10
small="-tokens_train words.txt -tokens_test more.txt -tz_quiet -net_tt_rank 4"
train words 0.8 $hybrid -tz_epochs 6 -net_layers 16
train concat 0.7 -tao_type tzsgd -zo_lr 0.1 -tz_epochs 6 -net_tokens concat -net_layers 8,16
on 2 eval -tz_model words.h5 -tokens_train words.txt -tokens_test more.txt -tz_output words-eval.h5 >words-eval.txt 2>&1
ok "words, eval: accuracy" same "$(field accuracy words.1.txt)" "$(field accuracy words-eval.txt)"
rm -f half.h5
on 2 classify $small $hybrid -net_layers 16 -tz_epochs 2 -tz_output half.h5 >half.txt 2>&1
on 1 classify -tz_resume half.h5 -tokens_train words.txt -tokens_test more.txt -tz_epochs 6 -tz_quiet >more.out 2>&1
ok "words, resumed after 2 epochs" same "$(field theta words.1.txt)" "$(field theta more.out)"
told() { # told NAME TEXT OPTIONS...: one line with the text
  local name=$1 text=$2; shift 2
  on 2 classify -tz_quiet -tz_output bad.h5 "$@" >bad.txt 2>bad.err
  ok "$name" test $? = 2 -a "$(lines bad.err)" = 1 -a "$(grep -c "^tenzo: error: .*$text" bad.err)" = 1 -a ! -e bad.h5
}
printf '1 2 3\n\n0 4 x\n' >bad-words.txt
told "tokens: not a number" "-tokens_train bad-words.txt: line 3: must be" -tokens_train bad-words.txt -tokens_test more.txt
told "tokens: no test" "-tokens_train words.txt: needs -tokens_test" -tokens_train words.txt
told "tokens: no training" "-tokens_test words.txt: needs -tokens_train" -tokens_test words.txt
told "a file of tokens, resumed without any" "half.h5: its network reads tokens, .*give -tokens_train FILE and -tokens_test FILE" -tz_resume half.h5
told "no images, no tokens" "-mnist_dir nowhere: no such directory; examples come from" -mnist_dir nowhere
told "tokens: too few rows" "-net_rows 9: must be at least" -tokens_train words.txt -tokens_test more.txt -net_rows 9
told "a filter larger than the image" "-net_conv: filters of 9 x 9" -mnist_dir . -net_conv 4x9x9
told "no filter" "-net_conv 4x3: must be" -mnist_dir . -net_conv 4x3
small=$whole

# --- -log_view: the flops of a step are those of two losses (L(theta), L(theta + mu xi)), counted by hand: products, activations, softmax ---
on 1 classify -mnist_dir . -net_format dense -net_layers 16 -tao_type zosign -zo_queries 1 -tao_max_it 1 -tz_validate_every 0 -tz_output none -tz_quiet -log_view >log.txt 2>&1
byhand=$(awk 'BEGIN { printf "%.4e", 2 * (2 * 64 * (16 * 64 + 10 * 16) + 64 * 16 + 64 * (2 * 10 + 1)) }')
ok "-log_view: a step has the $byhand flops counted by hand" same "$byhand" "$(awk '$1 == "1:" && $2 == "Training:" { print $5 }' log.txt)"
ok "-log_view: stages" test "$(grep -cE '^ [12]: *(Training|Validation):' log.txt)" -ge 2

# --- wrong files: one line that names the directory or the file ---
wrong() { # wrong NAME TEXT
  on 1 classify $small -mnist_dir bad -tz_output bad.h5 >bad.txt 2>bad.err
  ok "$1" test $? != 0 -a "$(lines bad.err)" = 1 -a "$(grep -c "^tenzo: error: .*$2" bad.err)" = 1 -a ! -e bad.h5
}
mkdir bad
wrong "no files" "bad/train-images"
cp *ubyte* bad; head -c 1000 train-images-idx3-ubyte >bad/train-images-idx3-ubyte
wrong "a short file" "bad/train-images-idx3-ubyte: ends after 984 of the 128000 bytes"
cp train-labels-idx1-ubyte bad/train-images-idx3-ubyte
wrong "labels in place of images" "bad/train-images-idx3-ubyte: not an IDX file of images"
cp train-images-idx3-ubyte bad; head -c 600 t10k-images-idx3-ubyte.gz >bad/t10k-images-idx3-ubyte.gz
wrong "a short gzip stream" "bad/t10k-images-idx3-ubyte.gz: unexpected end of file"

# --- the real digits ---
mnist=${TZ_SHARED:-$root/../shared}/mnist
if [ -d "$mnist" ]; then
  on 2 classify -mnist_dir "$mnist" -tao_type zocge -zo_mu 1e-3 -zo_lr 0.05 -tao_max_it 60 -tz_quiet -tz_output none >mnist.txt 2>&1
  ok "MNIST: 60 steps of CGE reach $(field accuracy mnist.txt) >= 0.7" at_least "$(field accuracy mnist.txt)" 0.7
else
  skip "no MNIST at $mnist"
fi

# --- a device outside with ten outputs: the bits of a built-in network of the same function, and it learns ---
cc -O2 -ffp-contract=off "$root/tests/devices/dense.c" -o device -lm
small="-mnist_dir . -tz_quiet -tao_type zosign -zo_queries 20 -zo_lr 1e-2"
layers="-net_format dense -net_layers 12 -net_activation sine -net_evaluation reference"
on 1 classify $small $layers -tao_max_it 0 -tz_output first.h5 >first.txt 2>&1
on 1 classify $small $layers -tao_max_it 60 -tz_init first.h5 -tz_output inside.h5 >inside.txt 2>&1
for n in 1 2; do
  rm -f outside.h5
  on $n classify $small -net_type process -net_command "$work/device 12" -tao_max_it 60 -tz_init first.h5 -tz_output outside.h5 >outside.txt 2>&1
  ok "a device outside, $n ranks: the parameters of the built-in network" same "$(field theta inside.txt)" "$(field theta outside.txt)"
done
on 2 eval -tz_model outside.h5 -net_command "$work/device 12" -mnist_dir . -tz_output outside-eval.h5 >eval.txt 2>&1
ok "... its accuracy, $(field accuracy eval.txt), is that of the run" same "$(field accuracy outside.txt)" "$(field accuracy eval.txt)"
ok "... and it learns" at_least "$(field accuracy eval.txt)" 0.6
finish
