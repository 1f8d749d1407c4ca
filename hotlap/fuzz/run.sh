#!/bin/sh
# Fuzz every target, each for SECONDS (60): hotlap/fuzz/run.sh [SECONDS]
# Works on the stable toolchain: RUSTC_BOOTSTRAP lets it take the coverage flags, and no sanitizer is needed, as
# the readers have no unsafe code.
set -eu
seconds=${1:-60}
cargo fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 2; }
cd "$(dirname "$0")"
export RUSTC_BOOTSTRAP=1
for target in $(cargo fuzz list); do
    mkdir -p "corpus/$target"
    cargo fuzz run --sanitizer none "$target" "corpus/$target" ../tests/stacks -- \
        -max_total_time="$seconds" -max_len=8192 -timeout=20 -verbosity=0
    echo "$target: $seconds s without a crash"
done
