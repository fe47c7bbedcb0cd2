#!/usr/bin/env bash
# Runs the fuzz targets under libFuzzer and AddressSanitizer.
#   tests/fuzz.sh smoke                    each target a fixed number of runs, as CI does
#   tests/fuzz.sh SECONDS [TARGET…]        each target (or those named) for so long; the corpus is kept
# FUZZ_SEEDS names the program that writes seeds, where it is built already; FUZZ_DATA a folder whose HDF5, ROOT, NumPy
# and gzip files are further seeds. Needs cargo-fuzz and a C++ compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
all=(roundtrip archive header tokeniser model hdf5 root numpy remake unpack weights)
length=${1:?usage: tests/fuzz.sh smoke | SECONDS [TARGET…]}
shift
targets=("${@:-${all[@]}}")
work=${FUZZ_WORK:-fuzz/target/work}
mkdir -p "$work"
work=$(cd "$work" && pwd)
seeds=(cargo run --quiet -p vxc-fuzz --bin seeds --)
if [ -n "${FUZZ_SEEDS:-}" ]; then seeds=("$FUZZ_SEEDS"); fi
"${seeds[@]}" "$work/seeds" ${FUZZ_DATA:+"$FUZZ_DATA"}
# Sanitizers are unstable flags: a nightly toolchain has them, and so has any other that is told to.
if rustc +nightly --version >/dev/null 2>&1; then export RUSTUP_TOOLCHAIN=nightly; else export RUSTC_BOOTSTRAP=1; fi
# A short run is over before an optimised build pays.
if [ "$length" = smoke ]; then profile=dev folder=debug; else profile=release folder=release; fi
cargo fuzz build "--$profile" --target-dir "$work/build"
host=$(rustc -vV | sed -n 's/^host: //p')
failed=0
for target in "${targets[@]}"; do
  # A smoke run starts from the seeds alone.
  if [ "$length" = smoke ]; then rm -rf "$work/corpus/$target" "$work/crashes/$target"; fi
  mkdir -p "$work/corpus/$target" "$work/crashes/$target"
  binary="$work/build/$host/$folder/$target"
  common=("$work/corpus/$target" "$work/seeds/$target" "-artifact_prefix=$work/crashes/$target/" -timeout=60 -rss_limit_mb=3000 -max_len=65536)
  if [ "$length" = smoke ]; then
    # Whole compressions are hundreds of times slower than parsers.
    case $target in roundtrip | tokeniser) runs=30 ;; weights) runs=60 ;; remake | unpack) runs=300 ;; archive) runs=1000 ;; *) runs=2000 ;; esac
    limit=("-runs=$runs" -seed=1)
  else
    limit=("-max_total_time=$length" -fork=1 -ignore_crashes=1 -ignore_ooms=1 -ignore_timeouts=1)
  fi
  status=0
  (cd "$work" && "$binary" "${common[@]}" "${limit[@]}") >"$work/$target.log" 2>&1 || status=$?
  # What was only slow is kept beside them, under another name.
  found=$(find "$work/crashes/$target" -type f ! -name 'slow-unit-*' | wc -l)
  echo "$target: $(grep -E '^(Done|#[0-9]+: cov|stat::number_of_executed_units|#[0-9]+)' "$work/$target.log" | tail -n 1 | cut -c1-100), $found crashes"
  if [ "$found" -gt 0 ] || [ "$status" -ne 0 ]; then failed=1; tail -n 30 "$work/$target.log" >&2; fi
done
exit "$failed"
