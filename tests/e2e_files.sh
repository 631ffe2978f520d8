#!/bin/bash
# Files: what others wrote is refused in one line or read well, never more; a damaged checkpoint is noticed; what is asked to be written, and cannot be, is told.
. "$(dirname "$0")/lib.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0

on 1 solve $quick -tao_max_it 20 -tz_output good.h5 >good.txt 2>&1
mkdir here

# refused TEXT ARGS...: on 1 and 2 ranks exit code 2, one line with TEXT, no file left or changed
refused() {
  local text=$1 n code; shift
  for n in 1 2; do
    (cd here && TZ_TIMEOUT=20 on $n "$@" >../out.txt 2>../err.txt); code=$?
    ok "$n ranks: $* (exit code $code): $(head -n 1 err.txt)" test $code = 2 -a "$(lines err.txt)" = 1 -a "$(grep -c -- "^tenzo: error: .*$text" err.txt)" = 1 -a -z "$(ls -A here)"
    rm -rf here; mkdir here
  done
}

# --- not regular files ---
mkfifo fifo
for f in /dev/zero /dev/null "$work/fifo"; do
  refused "-tz_points $f: not a regular file" eval -tz_model ../good.h5 -tz_points $f
  refused "-tz_model $f: not a regular file" eval -tz_model $f
  refused "-tz_resume $f: not a regular file" solve -tz_resume $f
done

# --- the bits of every array: one flipped bit in the data of each is noticed ---
for set in theta solver/momentum solver/step history/loss history/seconds validation/mse counts seed; do
  at=$(h5dump -p -H -d "/$set" good.h5 | sed -n 's/.*OFFSET \([0-9]*\).*/\1/p')
  perl -e 'open(F, "<", "good.h5"); binmode F; local $/; $b = <F>; substr($b, $ARGV[0] + 3, 1) ^= "\x10"; open(G, ">", "flipped.h5"); print G $b' "$at"
  refused "damaged (/$set is not what was written)" solve -tz_resume ../flipped.h5 -tao_max_it 30
done
cut=$(($(stat -c %s good.h5) / 2))
head -c $cut good.h5 >cut.h5
refused "truncated or damaged" eval -tz_model ../cut.h5

# --- the instruction set is kept, and another one is told ---
TENZO_ISA=base on 1 solve $quick -tao_max_it 5 -tz_output base.h5 >base.txt 2>&1
ok "the file has the instruction set" grep -q '"base"' <(h5dump -d /versions/isa base.h5)
on 1 solve -tz_resume base.h5 -tao_max_it 6 -tz_quiet >more.txt 2>&1
if grep -qE 'avx2|avx512|neon' <(h5dump -d /versions/isa good.h5); then
  ok "another instruction set is told" grep -q 'base.h5 was written with the kernels base' more.txt
fi

# --- the collected cases ---
cases=$TZ_SHARED/cases
if [ -d "$cases" ]; then
  for f in "$cases"/crash_*_dataset.h5 "$cases"/bomb* "$cases"/uninit* "$cases"/options*; do
    refused "" eval -tz_model "$f" -tz_points 5
    refused "" solve -tz_resume "$f" -tao_max_it 12
  done
  for f in "$cases"/crash_phase* "$cases"/loop_phase* "$cases"/internal*; do refused "" solve -tz_resume "$f" -tao_max_it 12 -tz_output ../x.h5; done
  for n in 1 2; do
    on $n eval -tz_model "$cases/good.h5" -tz_points 5 -tz_output e.h5 >e.txt 2>&1
    ok "the good case, $n ranks" grep -q '^RESULT ' e.txt
    on $n eval -tz_model "$cases/good.h5" -tz_points "$cases/points_with_names.h5" -tz_output e.h5 >e.txt 2>&1
    ok "points with names beside them, $n ranks" grep -q '^RESULT .* points=3 ' e.txt
  done
else
  skip "no $cases"
fi
finish
