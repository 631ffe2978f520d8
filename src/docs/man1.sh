#!/bin/bash
# man1.sh PROGRAM VERSION : the manual page of the program, from what it says of itself (--help, VERB -help), on standard output.
set -eu
tenzo=$1 version=$2
roff() { sed -e 's/\\/\\e/g; s/-/\\-/g; s/^\([.'"'"']\)/\\\&\1/'; }
printf '.TH TENZO 1 "" "tenzo %s" "Tenzo"\n.SH NAME\n' "$version"
"$tenzo" --help | sed -n '1s/: / - /p' | roff
printf '.SH SYNOPSIS\n.B tenzo\n.I VERB\n[options]\n.SH VERBS\n.nf\n'
"$tenzo" --help | sed -n '3,$p' | roff
printf '.fi\n.SH EXIT STATUS\n0: done. 1: an error inside Tenzo. 2: a mistake of the user, in one line. 3: the loss is not finite. 75: stopped by a signal, to be resumed.\n'
"$tenzo" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' | while read -r verb; do
  printf '.SH OPTIONS OF %s\nEach with its value now and its default.\n' "${verb^^}"
  "$tenzo" "$verb" -help 2>/dev/null | sed -nE 's/^  (-[a-z0-9_]+):? *(<[^>]*>:?)? *(.*)$/\1\t\2\t\3/p' | grep -vE '^-(default_|root_)?device' | awk -F '\t' '!seen[$1]++' |
    while IFS=$'\t' read -r option value text; do printf '.TP\n.B %s %s\n%s\n' "$(roff <<<"$option")" "$(roff <<<"$value")" "$(roff <<<"$text")"; done
done
