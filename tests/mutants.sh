#!/usr/bin/env bash
# Mutation testing: changes the code in every small way and runs the crate's own tests, which must fail.
#   tests/mutants.sh [SHARD]      for instance 0/13: every thirteenth mutant of each crate; all of them take a day
# Needs cargo-mutants. Survivors are listed; docs/reliability.md says of those known why they may live.
set -euo pipefail
cd "$(dirname "$0")/.."
shard=${1:-0/13}
out=${MUTANTS_OUT:-target/mutants}
export PROPTEST_CASES=48 CARGO_PROFILE_TEST_OPT_LEVEL=1 CARGO_PROFILE_TEST_DEBUG=0
run() {
  local package=$1
  shift
  mkdir -p "$out/$package"
  echo "== $package"
  cargo mutants -p "$package" --shard "$shard" --sharding round-robin -o "$out/$package" --timeout 90 \
    --exclude-re 'fmt::(Debug|Display)' --exclude-re 'impl (Debug|Display)' "$@" || true
}
run vxc-entropy
run vxc-format -e crates/format/src/constants.rs
run vxc-tokens -f crates/tokens/src/{bins,transform,step,restore,ordered,columns}.rs
run vxc-infer -f 'crates/infer/src/ops/*.rs' -f 'crates/infer/src/engine/*.rs'
