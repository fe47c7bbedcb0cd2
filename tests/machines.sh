#!/usr/bin/env bash
# The program on other processors, emulated: AArch64 (NEON) and s390x (big-endian). Archives must be the same bytes as
# this machine's, and must come back. Arguments: model files with a network for the jets (levels 7 and 8), if any.
# Debian: qemu-user, gcc-{aarch64,s390x}-linux-gnu, libc6-dev-{arm64,s390x}-cross.
set -euo pipefail
cd "$(dirname "$0")/.."
models=()
for model in "$@"; do models+=("$(realpath "$model")"); done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --release -p vxc-cli
here=$(realpath "${CARGO_TARGET_DIR:-target}")/release/vxc
cp samples/ftag_jets.meta.json "$work/jets.meta.json"
head -c $((100 * 124)) samples/ftag_jets.bin >"$work/tiny.bin"
head -c $((2000 * 124)) samples/ftag_jets.bin >"$work/jets.bin"
head -c 60000 samples/py8_ttbar.hepmc >"$work/events.hepmc"
cp crates/data/tests/fixtures/root/{zlib,lz4,lzma,zstd}.root "$work"
failed=0

# compare NAME ARGUMENTS…: one archive by both programs.
compare() {
  local file=$1
  shift
  (cd "$work" && "$here" compress -q -f "$@" -o here.vxc "$file" && "${there[@]}" compress -q -f "$@" -o there.vxc "$file")
  if cmp -s "$work/here.vxc" "$work/there.vxc" &&
    (cd "$work" && "${there[@]}" decompress -q -f -o back "${@:2}" here.vxc && cmp -s back "$file"); then
    echo "$target $file $1: $(stat -c %s "$work/here.vxc") bytes, equal"
  else
    echo "$target $file $1: DIFFERS"
    failed=1
  fi
}

for machine in aarch64 s390x; do
  target=$machine-unknown-linux-gnu
  rustup target add "$target"
  name=$(tr a-z- A-Z_ <<<"$target")
  export "CARGO_TARGET_${name}_LINKER=$machine-linux-gnu-gcc"
  cargo build --release -p vxc-cli --no-default-features --target "$target"
  there=("qemu-$machine" -L "/usr/$machine-linux-gnu" "$(dirname "$(dirname "$here")")/$target/release/vxc")
  "${there[@]}" self-test || failed=1
  for level in 1 2 3 4 5 6; do
    for file in jets.bin tiny.bin events.hepmc; do compare "$file" "-$level"; done
  done
  for file in zlib lz4 lzma zstd; do compare "$file.root" -3; done
  for model in "${models[@]}"; do
    for level in 7 8; do compare jets.bin "-$level" --model "$model"; done
  done
done
exit "$failed"
