//! Criterion benches of fuse; the contenders written in Python are under `peers/`.
