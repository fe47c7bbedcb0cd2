#!/usr/bin/env bash
# Runs what docs/benchmarks.md shows, table by table, and prints each with the command that made it. Arguments: the
# folder with the data, the names of tables (default: all but `neural` and `training`, which train networks for an hour). Files that are not there
# are left out. `VXC_PYTHON` names a Python that has zipnn.
set -uo pipefail
if [ $# -lt 1 ]; then
  echo "usage: $0 DATA [ratios levels large reading files gzip weights parts evaluate engine experiments neural training]" >&2
  exit 2
fi
data=$(realpath "$1")
shift
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- ratios levels large reading files gzip weights parts evaluate engine experiments
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

with_training() {
  cargo run --quiet --release -p vxc-cli --features train -- "$@"
}

for table in "$@"; do
  printf '\n## %s\n' "$table"
  case "$table" in
  ratios) run cargo run --quiet --release -p vxc-bench --bin targets ;;
  levels)
    mapfile -t files < <(there ftag_sim_ttbar_test.bin)
    run cargo run --quiet --release -p vxc-bench --bin bench -- --peers common "${files[@]:-samples/ftag_jets.bin}"
    ;;
  reading)
    for test in reference hdf5 hdf5_rewrite; do
      run cargo test --quiet -p vxc-data --test all "$test::" -- --nocapture
    done
    ;;
  gzip)
    for file in $(there py8_zmumu_sim_test.hepmc ftag_sim_ttbar_test.bin); do
      for level in 1 6 9; do
        gzip -n "-$level" <"$file" >"$work/it.gz"
        run vxc -f -5 "$work/it.gz" -o "$work/it.vxc"
        run vxc -f -5 --no-unpack "$work/it.gz" -o "$work/it.vxc"
      done
    done
    ;;
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
    for pair in atlas:ftag_sim_ttbar_train.h5 camel:g2_lcdm_gas_snapshot_000.hdf5 hepmc:py8_ttbar_sim_train.hepmc \
      cms:nanoAOD_2015_CMS_Open_Data_ttbar.root cms_lg:nanoAOD_2015_CMS_Open_Data_ttbar.root alice:AO2D_upc.root; do
      name=${pair%%:*}
      for file in $(there "${pair#*:}" | head -n 1); do
        run vxc experiment "experiments/${name}_experiment" --input "$file" -o "$work/$name" --no-train
      done
    done
    ;;
  neural)
    # The network of the first row of `training`, exported, then the targets with it.
    mapfile -t train < <(there ftag_sim_ttbar_train.bin)
    mkdir -p "$work/networks"
    run with_training train "${train[@]}" -o "$work/network" --config configs/cpu.yaml --no-compare
    run with_training export "$work/network" "${train[@]}" -o "$work/networks/ftag_sim_ttbar_test.vxm"
    run env VXC_NETWORKS="$work/networks" cargo run --quiet --release -p vxc-bench --bin targets
    ;;
  training)
    mapfile -t train < <(there ftag_sim_ttbar_train.bin)
    mapfile -t test < <(there ftag_sim_ttbar_test.bin)
    run with_training train "${train[@]}" -o "$work/run" --config configs/cpu.yaml --test "${test[@]}"
    for change in memory=true memory=false use_tdt=false learn_beta=false; do
      run with_training train "${train[@]}" -o "$work/$change" --config configs/cpu_memory.yaml --steps 400 \
        --no-compare --set "$change" --test "${test[@]}"
    done
    ;;
  *)
    echo "no table $table" >&2
    failed=1
    ;;
  esac
done
exit "$failed"
