#!/bin/bash
# Rooms without circles, from the includes and from the object files (nm): no file includes itself over others, and no room calls or includes
# another that calls or includes it back, over any number of rooms. A room is a folder; of src/net its files net.c, activation.c and api.c are
# rooms of their own (net.c lies on formats, api.c on everything), of src the library's tenzo.c. No folder has more than a quarter of the lines.
#   tests/rooms.sh [BUILD]; -v prints every arrow between rooms.
cd "$(dirname "$0")/.." || exit 1
verbose=; [ "$1" = -v ] && verbose=1 && shift
build=${1:-${BUILD:-build}}
bad=0
complain() { echo "rooms: $*"; bad=$((bad + 1)); }

# room of each file name on the way, "FILE" -> "FILE ROOM"
room() {
  awk '{
    n = split($1, p, "/")
    if (n == 2) r = p[1] == "src" ? (p[2] ~ /^tenzo/ ? "src/tenzo" : "program") : p[1]
    else if (p[1] == "src" && p[2] == "net" && n == 3) {sub(/\.[a-z]*$/, "", p[3]); r = "src/net/" p[3]}
    else if (p[1] == "src" && p[2] == "net") r = "src/net/" p[3]
    else if (p[1] == "src") r = "src/" p[2]
    else r = p[1]
    print $1, r}'
}
# circles NAME: arrows "from to" on stdin; tsort finds loops
circles() {
  local loops
  loops=$(tsort 2>&1 >/dev/null | sed -n 's/^tsort: //p' | grep -v 'input contains a loop' | tr '\n' ' ')
  [ -z "$loops" ] || complain "circle of $1: $loops"
}

mapfile -t objects < <(git ls-files src meshes pde solvers | sed -n 's/\.c$/.o/p' | while read -r o; do [ -f "$build/$o" ] && echo "$o"; done)
[ ${#objects[@]} -gt 50 ] || complain "no object files under $build: make first"
calls=$(for o in "${objects[@]}"; do nm "$build/$o" | awk -v f="${o%.o}.c" 'NF == 2 && $1 == "U" {print "U", $2, f} NF == 3 && $2 ~ /^[TDRBCV]$/ {print "D", $3, f}'; done |
  sort | awk '$1 == "D" {at[$2] = $3} $1 == "U" && $2 in at && at[$2] != $3 {print $3, at[$2]}' | sort -u)
includes=$(grep -rn '^ *# *include *"' src meshes pde solvers --include='*.[ch]' --include='*.inc' | sed 's/:[0-9]*: *# *include *"\([^"]*\)".*/ \1/' |
  while read -r file header; do [ -f "$(dirname "$file")/$header" ] && echo "$file $(realpath --relative-to=. "$(dirname "$file")/$header")"; done | sort -u)

circles "files by includes" <<<"$includes"
for kind in calls includes; do
  arrows=$(paste -d' ' <(cut -d' ' -f1 <<<"${!kind}" | room) <(cut -d' ' -f2 <<<"${!kind}" | room) | awk '$2 != $4 {print $2, $4}' | sort | uniq -c)
  [ "$verbose" ] && awk -v k=$kind '{printf "rooms: %s -> %s (%d %s)\n", $2, $3, $1, k}' <<<"$arrows"
  circles "rooms by $kind" < <(awk '{print $2, $3}' <<<"$arrows")
done
# inside a room: files that call each other in circles. A class may well lie on several files, so this is told, not refused; what a table of types names
# (XxxCreate_Type, verbs, presets) is no call
inner=$(for o in "${objects[@]}"; do nm "$build/$o" | awk -v f="${o%.o}.c" 'NF == 2 && $1 == "U" {print "U", $2, f}
    NF == 3 && $2 == "T" && $3 !~ /Create_|^TzVerb/ {print "D", $3, f}'; done | sort | awk '$1 == "D" {at[$2] = $3} $1 == "U" && $2 in at && at[$2] != $3 {print $3, at[$2]}' |
  sort -u | tsort 2>&1 >/dev/null | sed -n 's/^tsort: //p' | grep -v 'input contains a loop' | sort -u | tr '\n' ' ')
echo "rooms: files that call each other in circles inside their room: ${inner:-none}"
rooms=$(awk '{print $1; print $2}' <<<"$calls" | room | cut -d' ' -f2 | sort -u | wc -l)
files=$(awk '{print $1; print $2}' <<<"$calls" | sort -u | wc -l)
echo "rooms: $rooms rooms, $files files, $(wc -l <<<"$calls") arrows by calls and $(wc -l <<<"$includes") by includes between files"

# lines of every folder that has files of its own
lines=$(git ls-files src include meshes pde solvers | grep -E '\.(c|h|inc)$' | xargs wc -l | awk '$2 != "total" {d = $2; sub(/\/[^\/]*$/, "", d); n[d] += $1; all += $1}
  END {for (d in n) print n[d], all, d}' | sort -rn)
read -r most all where <<<"$lines"
echo "rooms: largest folder $where: $most of $all lines"
[ $((4 * most)) -le "$all" ] || complain "$where has more than a quarter of the lines"
echo "rooms: $((5 - (bad < 5 ? bad : 5))) passed, $bad failed, 0 skipped"
[ $bad = 0 ]
