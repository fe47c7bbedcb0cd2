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

# GPU backends on Mesa's software driver (Debian: mesa-vulkan-drivers): a short run on each, its losses against the CPU's.
gpu-check:
    bash tests/gpu.sh

# Archives on AArch64 and s390x, emulated, against this machine's.
machines *MODELS:
    bash tests/machines.sh {{MODELS}}

# The tables of docs/benchmarks.md, or those named, from the data in a folder.
benchmarks DATA *TABLES:
    bash tests/benchmarks.sh {{DATA}} {{TABLES}}

# A report in headless Chromium: console, width on a phone, screenshots.
report PAGE FOLDER:
    bash tests/report.sh {{PAGE}} {{FOLDER}}

# Known inputs, every instruction set and number of threads, against known hashes.
self-test:
    cargo run --release -p vxc-cli -- self-test

# Each fuzz target, or those named, for so many seconds.
fuzz SECONDS="1200" *TARGETS:
    bash tests/fuzz.sh {{SECONDS}} {{TARGETS}}

# Miri and AddressSanitizer.
sanitise *WHAT:
    bash tests/sanitise.sh {{WHAT}}

# Mutants of the exact crates: which the tests do not notice.
mutants SHARD="0/13":
    bash tests/mutants.sh {{SHARD}}

# Licences, sources and advisories of all dependencies.
deny:
    cargo deny check
