#!/usr/bin/env bash
# Unit tests of the crates that hold unsafe code, and threads under load (stress.rs), with AddressSanitizer and its
# check for leaks. Fails on a report, and where the defects of planted/free.rs and planted/leak.rs are not found. Code
# that fuse compiles is not instrumented: operands flush against inaccessible pages are for that. The first time
# Cranelift is built for it: some minutes; not with `asan.sh small`, which leaves out what needs it.
sanitizer=address out=target/asan
source "$(dirname "$0")/common.sh"
mkdir -p "$out"
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1"
[ -z "$symbolizer" ] || export ASAN_SYMBOLIZER_PATH=$symbolizer

without=()

programs=$(build test --no-run -p fuse-npy -p fuse-runtime -p fuse-code -p fuse-x64)
if [ "${1:-}" != small ]; then
  programs+=$'\n'$(build test --no-run -p fuse-cli --bin fuse)
  programs+=$'\n'$(build rustc -p fuse-races --test stress)
fi
built=$((SECONDS - started))
must_find free "heap-use-after-free .*planted/free.rs"
must_find leak "byte(s) leaked in 1 allocation"

passed=0 bad=0
for program in $programs; do
  report=$out/$(basename "$program").txt
  ended=0
  "$program" "${without[@]/#/--skip=}" > "$report" 2>&1 || ended=$?
  tests=$(sed -n 's/^test result: .* \([0-9]*\) passed; .*/\1/p' "$report")
  passed=$((passed + ${tests:-0}))
  if [ "$ended" != 0 ]; then
    bad=$((bad + 1))
    grep -E -A 30 "AddressSanitizer|LeakSanitizer|panicked|^failures" "$report" | head -100
  fi
done
echo "asan: commit $(git rev-parse --short HEAD), $(date -u +%F): $passed tests passed of" \
  "$(wc -w <<< "$programs") programs, $bad programs with reports, planted defects found;" \
  "built in $built s, run in $((SECONDS - started - built)) s"
[ "$bad" = 0 ]
