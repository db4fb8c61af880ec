//! Nothing: the package is its test `stress`, which `tsan.sh` and `asan.sh` build.
