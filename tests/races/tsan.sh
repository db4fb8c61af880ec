#!/usr/bin/env bash
# Threads under load (stress.rs) with ThreadSanitizer. Fails on a report that tsan.supp does not name, and where the
# race of planted/race.rs is not found, or one in planted/ordered.rs, which has none. The first time Cranelift is built for it: some minutes. Needs a C compiler,
# readelf and llvm-symbolizer.
sanitizer=thread out=target/tsan
source "$(dirname "$0")/common.sh"
[ "$symbolizer" ] || fail "llvm-symbolizer is needed: tsan.supp names functions"
mkdir -p "$out"
! grep -v "^#" tests/races/tsan.supp | grep -qi fuse || fail "tsan.supp hides what is fuse's"

# Names in front of std's, for locks.c.
std=$(echo "$(rustc --print sysroot)/lib/rustlib/$triple/lib"/libstd-*.rlib)
symbols=$(readelf -sW "$std" 2> /dev/null | awk '$4 == "FUNC" && $7 != "UND" { print $8 }' || true)
define=() linked=(-C "link-arg=$PWD/$out/locks.o" -C link-arg=-Wl,--wrap=__tsan_atomic64_fetch_sub)
for pair in MUTEX_LOCK=5mutex5futex.*14lock_contended RWLOCK_READ=6rwlock5futex.*14read_contended \
  RWLOCK_WRITE=6rwlock5futex.*15write_contended CONDVAR_WAIT=7condvar5futex.*7Condvar4wait \
  ONCE_CALL=4once5futex.*4Once4call; do
  name=$(grep -E "^_R.*${pair#*=}\$" <<< "$symbols") || fail "std has no function of the form ${pair#*=}"
  define+=("-D${pair%%=*}=$name") linked+=(-C "link-arg=-Wl,--wrap=$name")
done
cc -O1 -Wall -fexceptions -c "${define[@]}" tests/races/locks.c -o $out/locks.o

stress=$(build rustc -p fuse-races --test stress -- "${linked[@]}")
built=$((SECONDS - started))
export TSAN_OPTIONS="suppressions=$PWD/tests/races/tsan.supp external_symbolizer_path=$symbolizer history_size=4"
must_find race "data race .*planted/race.rs" "${linked[@]}"
must_pass ordered "${linked[@]}"

result=0 report=$out/stress.txt
TSAN_OPTIONS="$TSAN_OPTIONS print_suppressions=1" "$stress" > "$report" 2>&1 || result=$?
tests=$(sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed.*/\1 passed, \2 failed/p' "$report")
reports=$(grep -c "WARNING: ThreadSanitizer" "$report" || true)
echo "tsan: commit $(git rev-parse --short HEAD), $(date -u +%F): tests ${tests:-did not end}, $reports reports," \
  "the planted race found; built in $built s, run in $((SECONDS - started - built)) s"
[ "$result" = 0 ] || { grep -A 30 "WARNING: ThreadSanitizer" "$report" | head -200; exit 1; }
