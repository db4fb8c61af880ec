#!/usr/bin/env bash
# Unit tests of the crates that hold unsafe code, and threads under load (stress.rs), with AddressSanitizer and its
# check for leaks. Fails on a report, and where the defects of planted/free.rs and planted/leak.rs are not found. Code
# that fuse compiles is not instrumented: operands flush against inaccessible pages are for that. The first time
# Cranelift is built for it: some minutes; not with `asan.sh small`, which leaves out what needs it.
sanitizer=address out=target/asan
source "$(dirname "$0")/common.sh"
mkdir -p "$out"
# Memory that cannot be had is null, as it is without the sanitizer.
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1"
[ -z "$symbolizer" ] || export ASAN_SYMBOLIZER_PATH=$symbolizer

# What a limit on addresses does: the sanitizer wants 15 TB of them for itself.
skips=(--skip a_directory_that_lies_about_its_size_costs_no_memory
  --skip a_file_beyond_memory_is_an_allocation_error)

sets=("-p fuse-npy -p fuse-runtime -p fuse-code -p fuse-x64")
[ "${1:-}" = small ] || sets+=("-p fuse-races --test stress")
for set in "${sets[@]}"; do
  # shellcheck disable=SC2086
  build test --no-run $set > /dev/null
done
built=$((SECONDS - started))
must_find free "heap-use-after-free .*planted/free.rs"
must_find leak "byte(s) leaked in 1 allocation"

report=$out/tests.txt result=0
: > "$report"
for set in "${sets[@]}"; do
  # shellcheck disable=SC2086
  RUSTFLAGS=$(flags) cargo test "${options[@]}" --no-fail-fast $set -- "${skips[@]}" >> "$report" 2>&1 || result=1
done
count() { sed -n "s/^test result: .* \([0-9]*\) $1.*/\1/p" "$report" | awk '{ n += $1 } END { print n + 0 }'; }
reports=$(grep -cE "ERROR: (Address|Leak)Sanitizer" "$report" || true)
echo "asan: commit $(git rev-parse --short HEAD), $(date -u +%F): $(count passed) tests passed, $(count failed) failed," \
  "$(((${#skips[@]}) / 2)) left out, $reports reports, the planted defects found;" \
  "built in $built s, run in $((SECONDS - started - built)) s"
[ "$result" = 0 ] || { grep -E -A 30 "Sanitizer|panicked|^failures" "$report" | head -200; exit 1; }
