#!/bin/sh
# Compare our way from collapsed stacks to a graph (which also cleans) with inferno's command line, in pairs:
#     hotlap/benches/compare_inferno.sh [STACKS] [PAIRS]
# Needs inferno-flamegraph (`cargo install inferno`) and GNU time. Time is the median, memory the largest.
set -eu
stacks=${1:-1000000}
pairs=${2:-5}
command -v inferno-flamegraph >/dev/null || { echo "inferno-flamegraph is missing: cargo install inferno" >&2; exit 2; }
[ -x /usr/bin/time ] || { echo "GNU time is missing: apt-get install time" >&2; exit 2; }
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build -q --release --manifest-path "$here/Cargo.toml" -p hotlap_engine --examples
bin=${CARGO_TARGET_DIR:-$here/target}/release/examples
"$bin/stacks_input" "$stacks" > "$work/input"
echo "input: $(wc -c < "$work/input") bytes, $(wc -l < "$work/input") stacks"
for pair in $(seq "$pairs"); do
    /usr/bin/time -a -o "$work/inferno" -f '%e %M' inferno-flamegraph < "$work/input" > "$work/inferno.svg"
    /usr/bin/time -a -o "$work/ours" -f '%e %M' "$bin/stacks_flame" < "$work/input" > "$work/ours.svg"
done
summary() { sort -n "$1" | awk '{ s[NR] = $1; if ($2 > m) m = $2 } END { printf "%.2f %.0f\n", s[int((NR + 1) / 2)], m / 1024 }'; }
set -- $(summary "$work/inferno") $(summary "$work/ours")
echo "inferno: $1 s, $2 MiB; ours: $3 s, $4 MiB"
awk -v a="$1" -v am="$2" -v b="$3" -v bm="$4" 'BEGIN {
    printf "ours / inferno: time %.2f, memory %.2f (at most 1.50 each)\n", b / a, bm / am
    exit !(b <= 1.5 * a && bm <= 1.5 * am)
}'
