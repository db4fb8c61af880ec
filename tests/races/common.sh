# What tsan.sh and asan.sh share. Stable Rust, with the switches of nightly; std is as it is delivered.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CARGO_TERM_COLOR=never RUSTC_BOOTSTRAP=1 RUST_BACKTRACE=0
triple=x86_64-unknown-linux-gnu
symbolizer=$(command -v llvm-symbolizer || true)
started=$SECONDS

fail() { echo "$0: $*" >&2; exit 1; }

flags() { echo "-Zsanitizer=$sanitizer -Cunsafe-allow-abi-mismatch=sanitizer"; }

# Dependencies are less optimised than usual, since they are built once more for this.
options=(--config 'profile.dev.package."*".opt-level=1' --target "$triple" --target-dir "$out")

# Cargo's programs, one a line.
build() { # COMMAND ARGUMENTS..
  local command=$1
  shift
  RUSTFLAGS=$(flags) cargo "$command" "${options[@]}" --message-format=json-render-diagnostics "$@" > "$out/cargo.json"
  sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$out/cargo.json"
}

# Builds planted/NAME.rs with the same flags and runs it: does it end well?
runs() { # NAME RUSTC-ARGUMENTS..
  local name=$1
  shift
  # shellcheck disable=SC2046
  rustc $(flags) --edition 2024 --target "$triple" -Copt-level=1 -Cdebuginfo=1 "$@" \
    "tests/races/planted/$name.rs" -o "$out/planted-$name"
  "$out/planted-$name" > "$out/planted-$name.txt" 2>&1
}

must_find() { # NAME WORDS RUSTC-ARGUMENTS..
  local name=$1 words=$2
  shift 2
  runs "$name" "$@" && fail "planted/$name.rs: nothing was found"
  grep -q "SUMMARY: .*$words" "$out/planted-$name.txt" \
    || fail "planted/$name.rs: not what was planted: $out/planted-$name.txt"
}

must_pass() { # NAME RUSTC-ARGUMENTS..
  runs "$@" || fail "planted/$1.rs: what is right was reported: $out/planted-$1.txt"
}
