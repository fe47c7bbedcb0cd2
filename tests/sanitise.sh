#!/usr/bin/env bash
# Undefined behaviour and memory errors: Miri over the crates that parse and code, AddressSanitizer over the SIMD kernels.
#   tests/sanitise.sh [miri|asan]
# Needs a nightly toolchain with the components miri and rust-src.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}
case $what in all | miri | asan) ;; *) echo "usage: tests/sanitise.sh [miri|asan]" >&2; exit 2 ;; esac
target=${CARGO_TARGET_DIR:-target}
if [ "$what" != asan ]; then
  # Proptest reads its folder of failures; few cases, since Miri is some thousand times slower.
  export MIRIFLAGS=-Zmiri-disable-isolation PROPTEST_CASES=2
  for package in vxc-entropy vxc-format; do
    CARGO_TARGET_DIR="$target/miri" cargo +nightly miri test -p "$package" --lib
  done
  # The definitions of all kernels; the vector forms are for the processor.
  VXC_ISA=scalar CARGO_TARGET_DIR="$target/miri" cargo +nightly miri test -p vxc-infer --lib -- kernels ops
fi
if [ "$what" != miri ]; then
  RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR="$target/asan" \
    cargo +nightly test --target x86_64-unknown-linux-gnu -p vxc-infer -p vxc-predict --lib
fi
