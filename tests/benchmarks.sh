#!/usr/bin/env bash
# Runs what docs/benchmarks.md shows, table by table, and prints each with the command that made it. Arguments: the
# folder with the data, the names of tables (default: all but `training`, which takes an hour). Files that are not there
# are left out. `VXC_PYTHON` names a Python that has zipnn.
set -uo pipefail
if [ $# -lt 1 ]; then
  echo "usage: $0 DATA [ratios large files weights parts evaluate engine experiments training]" >&2
  exit 2
fi
data=$(realpath "$1")
shift
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- ratios large files weights parts evaluate engine experiments
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

run() {
  printf '\n$ %s\n\n' "$*"
  "$@" || { echo "FAILED: $*"; failed=1; }
}

# Those of the named files that are there.
there() {
  for name in "$@"; do
    find "$data" -name "$name" -type f | sort
  done
}

vxc() {
  cargo run --quiet --release -p vxc-cli -- "$@"
}

for table in "$@"; do
  printf '\n## %s\n' "$table"
  case "$table" in
  ratios) run cargo run --quiet --release -p vxc-bench --bin targets ;;
  large)
    run cargo run --quiet --release -p vxc-bench --bin bench -- --table 256 --levels 5,6 --threads 2
    ;;
  files)
    mapfile -t files < <(there '*.root' '*.h5' '*.hdf5')
    [ ${#files[@]} -eq 0 ] || run cargo run --quiet --release -p vxc-remake --example ratios -- "${files[@]}"
    for file in "${files[@]}"; do
      run vxc -f -5 "$file" -o "$work/archive.vxc"
    done
    ;;
  weights)
    mapfile -t files < <(there '*.safetensors')
    [ ${#files[@]} -eq 0 ] || run cargo run --quiet --release -p vxc-zipnn --example ratios -- "${files[@]}"
    ;;
  parts)
    mapfile -t files < <(there ftag_sim_ttbar_test.bin alice_hyp3_o2_test.bin cms_nano_core_test.bin \
      gadget2_lcdm_gas_snap003_test_gas.bin taus_pt_issue79_test.bin)
    [ ${#files[@]} -eq 0 ] || run cargo run --quiet --release -p vxc-bench --bin ablations -- "${files[@]}"
    ;;
  evaluate)
    mapfile -t files < <(there ftag_sim_ttbar_test.bin)
    run vxc evaluate "${files[@]:-samples/ftag_jets.bin}" --report "$work/report.html"
    ;;
  engine) run cargo run --quiet --release -p vxc-infer --example speed ;;
  experiments)
    mapfile -t files < <(there ftag_sim_ttbar_train.h5)
    for file in "${files[@]}"; do
      run vxc experiment experiments/atlas_experiment --input "$file" -o "$work/atlas" --no-train
    done
    ;;
  training)
    mapfile -t train < <(there ftag_sim_ttbar_train.bin)
    mapfile -t test < <(there ftag_sim_ttbar_test.bin)
    run cargo run --quiet --release -p vxc-cli --features train -- train "${train[@]}" -o "$work/run" \
      --config configs/cpu.yaml --test "${test[@]}"
    ;;
  *)
    echo "no table $table" >&2
    failed=1
    ;;
  esac
done
exit "$failed"
