#!/bin/sh
# A wrapper of rustc that instruments the crates under test alone: libFuzzer is guided by their branches and
# comparisons, not by Cranelift's, nor by those of the targets themselves. All flags are stable ones.
case " $* " in
  *" --crate-name fuse_testkit "* | *" --crate-name fuse_fuzz "*) ;;
  *" --crate-name fuse"*)
    exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
      -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
      -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$@"
