#!/usr/bin/env bash
# A short training on each device that is here, its losses against those of the CPU: at most 2 % apart at each logged step.
# Debian: mesa-vulkan-drivers brings a driver that needs no GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
CARGO_PROFILE_RELEASE_LTO=off cargo build --release -p vxc-cli --features webgpu,vulkan
vxc=${CARGO_TARGET_DIR:-target}/release/vxc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
losses() { sed -n 's/.*"step":\([0-9]*\),.*"loss":\([0-9.]*\).*/\1 \2/p' "$1/log.jsonl"; }
for device in cpu webgpu vulkan; do
  if ! "$vxc" train samples/ftag_jets.bin --config configs/cpu.yaml --device "$device" --no-compare --steps 20 \
    --batch-size 32 --set warmup=5 --set eval_every=10 --set log_every=5 --set shards=1 -o "$work/$device"; then
    echo "$device: does not run here"
    if [ "$device" = cpu ]; then exit 1; fi
    continue
  fi
  if join <(losses "$work/cpu" | sort) <(losses "$work/$device" | sort) |
    awk '{ d = ($3 - $2) / $2; if (d < 0) d = -d; if (d > worst) worst = d; n++ }
         END { printf "%d steps, at most %.3f %% from the CPU\n", n, 100 * worst; exit !(n > 0 && worst < 0.02) }'; then
    echo "$device: agrees"
  else
    echo "$device: DIFFERS"
    failed=1
  fi
done
exit "$failed"
