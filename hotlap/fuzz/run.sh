#!/bin/sh
# Fuzz every target, each for SECONDS (60): hotlap/fuzz/run.sh [SECONDS [TARGET...]]
# Works on the stable toolchain: RUSTC_BOOTSTRAP lets it take the coverage flags, and no sanitizer is needed, as
# the readers have no unsafe code.
set -eu
seconds=${1:-60}
[ $# -eq 0 ] || shift
cargo fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 2; }
cd "$(dirname "$0")"
export RUSTC_BOOTSTRAP=1
for target in ${*:-$(cargo fuzz list)}; do
    seeds="seeds/$target"
    [ -d "$seeds" ] || seeds=../tests/stacks
    mkdir -p "corpus/$target"
    cargo fuzz run --sanitizer none "$target" "corpus/$target" "$seeds" -- \
        -max_total_time="$seconds" -max_len=8192 -timeout=20 -verbosity=0
    echo "$target: $seconds s without a crash"
done
