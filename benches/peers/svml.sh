#!/bin/sh
# Elementary functions of fuse and of Intel's vector library, its high-accuracy AVX-512 entry points called
# once a vector: one thread, data in the first-level cache. Answers first, then times.
#
#   benches/peers/svml.sh                measures and prints
#   benches/peers/svml.sh --only exp     one function
#   benches/peers/svml.sh --record       also stores every round under record/
#   benches/peers/svml.sh --publish      also rewrites its table in docs/performance.md
#
# Needs Python 3 with pip and, the first time, a network for the library, which is unpacked beside this
# script and is Intel's, under a licence of its own.
set -eu
cd "$(dirname "$0")"
package=intel-cmplr-lib-rt==2026.2.0
if [ "$(cat .svml/ready 2>/dev/null)" != "$package" ]; then
    python3 -m venv .svml
    .svml/bin/pip install --quiet "$package"
    echo "$package" > .svml/ready
fi
exec cargo run --release --quiet --package fuse-benches --example svml -- .svml/lib/libsvml.so --version "$package" "$@"
