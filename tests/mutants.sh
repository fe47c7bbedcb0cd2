#!/usr/bin/env bash
# Mutation testing: changes the code in every small way and runs the crate's own tests, which must fail.
#   tests/mutants.sh [SHARD]      for instance 0/13: every thirteenth mutant of each crate; all without it
# Needs cargo-mutants, and a machine with nothing else to do: what takes too long is taken for an endless loop. On two cores
# each crate takes half an hour. Survivors are listed; docs/reliability.md says of
# those known why they may live.
set -euo pipefail
cd "$(dirname "$0")/.."
shard=(${1:+--shard "$1" --sharding round-robin})
out=${MUTANTS_OUT:-target/mutants}
export PROPTEST_CASES=48 CARGO_PROFILE_TEST_OPT_LEVEL=1 CARGO_PROFILE_TEST_DEBUG=0
run() {
  local package=$1
  shift
  mkdir -p "$out/$package"
  echo "== $package"
  local code=0
  cargo mutants -p "$package" "${shard[@]}" -j 2 -o "$out/$package" --baseline skip --timeout 30 \
    --exclude-re 'fmt::(Debug|Display)' --exclude-re 'impl (Debug|Display)' "$@" || code=$?
  # 2: some survived; 3: some ran too long. Anything else did not work.
  case $code in 0 | 2 | 3) ;; *) exit "$code" ;; esac
}
# Some of the crates by the variable PACKAGES, all otherwise.
for package in ${PACKAGES:-entropy format tokens infer}; do
  case $package in
    entropy) run vxc-entropy --features desync --cargo-test-arg=--tests ;;
    format) run vxc-format --cargo-test-arg=--tests ;;
    # The searches for relations and layouts take long, and none of these is part of them; unoptimised, as a change of
    # what is used everywhere compiles for longer than the tests run.
    tokens)
      CARGO_PROFILE_TEST_OPT_LEVEL=0 run vxc-tokens \
        -f 'crates/tokens/src/{bins,transform,step,restore,ordered,columns,symbol_table}.rs' -- --lib --test columns -- \
        --skip relation::tests --skip detect:: --skip fit_bins:: --skip log2:: --skip sidecar:: --skip fit::
      ;;
    infer)
      run vxc-infer -f 'crates/infer/src/ops/*.rs' -f 'crates/infer/src/engine/*.rs' --cargo-test-arg=--tests
      ;;
    *) echo "unknown: $package" >&2; exit 2 ;;
  esac
done
