#!/bin/sh
# The same work in fuse, NumPy (with SciPy), numexpr, Numba and JAX: answers first, then times.
#
#   benches/peers/run.sh                measures, prints, stores a record
#   benches/peers/run.sh --only sum     only the rows whose name holds "sum", stores nothing
#   benches/peers/run.sh --publish      also rewrites the tables of docs/performance.md
#
# Needs Python 3.11 or newer and, the first time, a network for the five packages.
set -eu
cd "$(dirname "$0")"
if ! cmp -s requirements.txt .venv/ready; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet --requirement requirements.txt
    cp requirements.txt .venv/ready
fi
cargo build --release --quiet --package fuse-peers-bridge
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
exec .venv/bin/python peers.py "$@"
