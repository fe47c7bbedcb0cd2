# Recipes for people; CI calls the same commands.

# Compress, verify, decompress and compare with peers on the sample.
demo:
    cargo run --release -p vxc-bench --bin demo

# All tests.
test:
    cargo test --workspace

lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# The ratio targets over the shared data (skips what is absent).
targets:
    cargo run --release -p vxc-bench --bin targets

# Speed against peers in one process.
bench:
    cargo bench -p vxc-bench

ci:
    bash .ci/run

# GPU backends on Mesa's software driver (Debian: mesa-vulkan-drivers): a short run on each, its losses beside the CPU's.
gpu-check:
    CARGO_PROFILE_RELEASE_LTO=off cargo build --release -p vxc-cli --features webgpu,vulkan
    -for d in cpu webgpu vulkan; do \
        target/release/vxc train samples/ftag_jets.bin --config configs/cpu.yaml --device $d --no-compare \
            --steps 20 --batch-size 32 --set warmup=5 --set eval_every=10 --set shards=1 -o target/gpu-check/$d \
            || echo "$d: exit $?"; \
    done
