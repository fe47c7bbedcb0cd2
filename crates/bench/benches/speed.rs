//! Throughput of Vortex-Codec and its peers on the sample, in one run: `cargo bench -p vxc-bench`.
//!
//! Whole calls by the wall clock, one thread; fit and verification of vxc are in its times except for the
//! group `compress, no verify`. The program `bench` reports the coder apart.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vxc::{CompressOptions, DecompressOptions, Level};
use vxc_bench::input::Input;
use vxc_bench::peers::Peer;

const LEVELS: [u8; 2] = [1, 5];

fn sample() -> Input {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/ftag_jets.bin");
    Input::read(&path, None).expect("the sample is in the repository")
}

fn options(input: &Input, level: u8, verify: bool) -> CompressOptions {
    CompressOptions {
        level: Level::new(level).expect("a level"),
        layout: input.told.clone(),
        threads: 1,
        verify,
        ..CompressOptions::default()
    }
}

fn peers(input: &Input) -> Vec<Peer> {
    let mut peers = vec![Peer::Zstd(19), Peer::Xz { extreme: false, aligned: false }];
    if let Some(layout) = &input.layout {
        peers.extend([8, 12].map(|level| Peer::PcoColumns(level, layout.clone())));
    }
    peers
}

fn compress(c: &mut Criterion) {
    let input = sample();
    for verify in [true, false] {
        let name = if verify { "compress" } else { "compress, no verify" };
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(input.bytes.len() as u64));
        for level in LEVELS {
            let options = options(&input, level, verify);
            group.bench_function(format!("vxc -{level}"), |b| {
                b.iter(|| vxc::compress(black_box(&input.bytes), &options).expect("compresses"));
            });
        }
        for peer in peers(&input).iter().filter(|_| verify) {
            group.bench_function(peer.name(), |b| {
                b.iter(|| peer.compress(black_box(&input.bytes)).expect("compresses"));
            });
        }
        group.finish();
    }
}

fn decompress(c: &mut Criterion) {
    let input = sample();
    let mut group = c.benchmark_group("decompress");
    group.throughput(Throughput::Bytes(input.bytes.len() as u64));
    let back = DecompressOptions { threads: 1, ..DecompressOptions::default() };
    for level in LEVELS {
        let archive =
            vxc::compress(&input.bytes, &options(&input, level, true)).expect("compresses");
        group.bench_function(format!("vxc -{level}"), |b| {
            b.iter(|| vxc::decompress(black_box(&archive), &back).expect("decompresses"));
        });
    }
    for peer in peers(&input) {
        let coded = peer.compress(&input.bytes).expect("compresses");
        group.bench_function(peer.name(), |b| {
            b.iter(|| peer.decompress(black_box(&coded), input.bytes.len()).expect("decompresses"));
        });
    }
    group.finish();
}

criterion_group! {
    name = speed;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(3));
    targets = compress, decompress
}
criterion_main!(speed);
