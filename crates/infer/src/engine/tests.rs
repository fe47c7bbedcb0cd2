//! The production engine against the reference, over configurations, lanes, pieces and instruction sets.

use std::sync::Arc;

use proptest::prelude::*;
use vxc_entropy::Cdf;
use xxhash_rust::xxh3::Xxh3;

use super::*;
use crate::config::{Embedding, HeadKind, MemoryConfig, PositionKind};
use crate::ops::embed::Token;
use crate::reference::ReferenceLane;
use crate::weights::IntModel;
use crate::weights::random::Fill;

/// Inputs of `len` positions of all lanes, position by position; some symbols lie outside of the vocabulary.
fn inputs(config: &IntConfig, lanes: usize, len: usize, seed: u64) -> Vec<Input> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 33
    };
    let symbols = config.context_vocab as u64 + 1;
    (0..lanes * len)
        .map(|_| Input {
            previous: Token {
                symbol: (next() % symbols) as u16,
                fraction: next() as u8,
                copied: next() % 3 == 0,
            },
            above: (next() % symbols) as u16,
        })
        .collect()
}

/// (position, lane)
fn reference(model: &IntModel, lanes: usize, inputs: &[Input], start: u64) -> Vec<Cdf> {
    let mut all: Vec<_> = (0..lanes).map(|_| ReferenceLane::new(model, start)).collect();
    inputs.iter().enumerate().map(|(i, &input)| all[i % lanes].step(input)).collect()
}

fn collect(engine: &mut Engine, inputs: &[Input]) -> Vec<Cdf> {
    let mut all = Vec::new();
    engine.run(inputs, |_, cdfs| all.extend_from_slice(cdfs));
    all
}

fn hash(cdfs: &[Cdf]) -> u64 {
    let mut hasher = Xxh3::new();
    for cdf in cdfs {
        (0..=255u8).for_each(|s| hasher.update(&(cdf.start(s) as u16).to_le_bytes()));
    }
    hasher.digest()
}

fn packed(config: &IntConfig, seed: u64, fill: Fill) -> Arc<PackedModel> {
    Arc::new(PackedModel::new(IntModel::random(config.clone(), seed, fill).expect("valid")))
}

/// Every way to run the same inputs gives the CDFs of the reference.
fn check(config: &IntConfig, seed: u64, fill: Fill, lanes: usize, len: usize) {
    check_model(&packed(config, seed, fill), seed, lanes, len);
}

fn check_model(model: &Arc<PackedModel>, seed: u64, lanes: usize, len: usize) {
    let config = model.config();
    let inputs = inputs(config, lanes, len, seed);
    let expected = reference(model.model(), lanes, &inputs, 0);
    for isa in Isa::available() {
        let engine =
            |columns| Engine::with_piece(Arc::clone(model), lanes, isa, columns).expect("lanes");
        let context = format!("{isa:?} {lanes} × {len} {config:?}");
        let mut steps = engine(PIECE_COLUMNS);
        for (inputs, expected) in inputs.chunks(lanes).zip(expected.chunks(lanes)) {
            assert!(steps.step(inputs) == expected, "step by step, {context}");
        }
        for columns in [PIECE_COLUMNS, 3 * lanes + 1] {
            assert!(collect(&mut engine(columns), &inputs) == expected, "at once, {context}");
        }
        // In calls of any length, on an engine that has run before.
        steps.reset(0);
        let (first, second) = inputs.split_at(lanes * (len / 3));
        let mut parts = collect(&mut steps, first);
        parts.extend(collect(&mut steps, second));
        assert!(parts == expected, "in parts, {context}");
    }
}

fn small() -> IntConfig {
    IntConfig {
        vocab: 20,
        context_vocab: 19,
        d_model: 24,
        n_layers: 2,
        n_heads: 3,
        d_ff: 40,
        window: 7,
        types: vec![0, 1, 1, 2],
        ..IntConfig::record(1)
    }
}

#[test]
fn presets_agree_with_the_reference() {
    check(&IntConfig::record(5), 1, Fill::Typical, 3, 11);
    let memory = IntConfig {
        window: 12,
        memory: Some(MemoryConfig { chunk: 10, rate: 3 }),
        ..IntConfig::memory(5)
    };
    check(&memory, 2, Fill::Typical, 2, 45);
}

#[test]
fn every_option_agrees_with_the_reference() {
    for embedding in [Embedding::Shared, Embedding::PerType, Embedding::Factorised] {
        for head in [HeadKind::Shared, HeadKind::PerType, HeadKind::Factorised] {
            for position in [PositionKind::Sinusoidal, PositionKind::Distance, PositionKind::None] {
                for on in [false, true] {
                    let config = IntConfig {
                        embedding,
                        head,
                        position,
                        head_bias: on,
                        target_type: on,
                        above: on,
                        fraction: on,
                        copied: on,
                        memory: on.then_some(MemoryConfig { chunk: 6, rate: 2 }),
                        ..small()
                    };
                    check(&config, 3, Fill::Typical, 2, 20);
                }
            }
        }
    }
}

/// Widths that are no multiple of anything, one head, a head for each channel, more lanes than a tile.
#[test]
fn odd_sizes_agree_with_the_reference() {
    for (d_model, n_heads, d_ff, window, lanes) in
        [(1, 1, 1, 2, 1), (5, 1, 3, 3, 1), (9, 3, 17, 5, 5), (16, 16, 33, 9, 7), (34, 2, 16, 4, 21)]
    {
        let memory = Some(MemoryConfig { chunk: 5, rate: 2 });
        for memory in [None, memory] {
            let config = IntConfig { d_model, n_heads, d_ff, window, memory, ..small() };
            check(&config, 4, Fill::Typical, lanes, 17);
        }
    }
    check(&IntConfig { window: 1, ..small() }, 5, Fill::Typical, 3, 9);
    // A chunk that keeps more than the memory holds, and one of a single position.
    for (chunk, rate) in [(9, 1), (1, 1), (4, 9)] {
        let config = IntConfig { memory: Some(MemoryConfig { chunk, rate }), ..small() };
        check(&config, 6, Fill::Typical, 2, 30);
    }
}

/// Numbers at the ends of their ranges: sums near their bounds, clamps everywhere; and maps too wide for 32 bits.
#[test]
fn extremes_agree_with_the_reference() {
    for seed in 0..6 {
        let memory = Some(MemoryConfig { chunk: 6, rate: 2 });
        let position = [PositionKind::Sinusoidal, PositionKind::Distance][seed as usize % 2];
        check(&IntConfig { memory, position, ..small() }, seed, Fill::Extreme, 3, 20);
    }
    let wide = IntConfig { d_model: 64, n_heads: 1, d_ff: 1100, n_layers: 1, ..small() };
    for fill in [Fill::Typical, Fill::Extreme] {
        check(&wide, 7, fill, 2, 5);
    }
    let wide = packed(&wide, 7, Fill::Extreme);
    assert!(!wide.weights().layers[0].down.fits_i32(), "the wide path is not taken");
}

/// Where all scores are equal the memory keeps the first positions of a chunk, in both engines.
#[test]
fn ties_of_the_eviction_agree_with_the_reference() {
    let config = IntConfig { memory: Some(MemoryConfig { chunk: 6, rate: 2 }), ..small() };
    let model = IntModel::random(config.clone(), 12, Fill::Typical).expect("valid");
    let mut weights = model.weights().clone();
    for layer in &mut weights.layers {
        layer.memory.scorer.fill(0);
    }
    let tied = IntModel::new(config, weights).expect("valid");
    check_model(&Arc::new(PackedModel::new(tied)), 12, 2, 30);
}

#[test]
fn a_lane_may_start_inside_a_record() {
    let config = IntConfig { position: PositionKind::Sinusoidal, ..small() };
    let model = packed(&config, 8, Fill::Typical);
    let inputs = inputs(&config, 2, 9, 8);
    let expected = reference(model.model(), 2, &inputs, 8190);
    let mut engine = Engine::new(model, 2, Isa::detect()).expect("lanes");
    engine.reset(8190);
    assert!(collect(&mut engine, &inputs) == expected);
}

/// Lanes do not know of each other: two threads with half of them each give what one gives.
#[test]
fn two_threads_equal_one() {
    let config = IntConfig { memory: Some(MemoryConfig { chunk: 8, rate: 2 }), ..small() };
    let model = packed(&config, 9, Fill::Typical);
    let all = inputs(&config, 4, 40, 9);
    let run = |first: usize, lanes: usize| {
        let mine: Vec<Input> =
            all.chunks(4).flat_map(|inputs| inputs[first..first + lanes].to_vec()).collect();
        let mut engine = Engine::new(Arc::clone(&model), lanes, Isa::detect()).expect("lanes");
        collect(&mut engine, &mine)
    };
    let one = run(0, 4);
    let (left, right) = std::thread::scope(|scope| {
        let left = scope.spawn(|| run(0, 2));
        let right = scope.spawn(|| run(2, 2));
        (left.join().expect("no panic"), right.join().expect("no panic"))
    });
    let both: Vec<Cdf> =
        left.chunks(2).zip(right.chunks(2)).flat_map(|(l, r)| [l, r].concat()).collect();
    assert!(one == both);
}

/// Pinned: a change of any definition, on any machine, shows here.
#[test]
fn golden() {
    let memory = IntConfig {
        window: 16,
        memory: Some(MemoryConfig { chunk: 12, rate: 3 }),
        ..IntConfig::memory(6)
    };
    let bytes = IntConfig {
        types: IntConfig::cycle(4),
        position: PositionKind::Sinusoidal,
        embedding: Embedding::Factorised,
        head: HeadKind::Factorised,
        ..small()
    };
    // Numbers at the ends of their ranges, so that every clamp counts: they are shared by both engines, and nothing but
    // this would notice that one had moved.
    let evicting = Some(MemoryConfig { chunk: 6, rate: 2 });
    let sinusoidal = IntConfig { memory: evicting, position: PositionKind::Sinusoidal, ..small() };
    let distance = IntConfig { memory: evicting, position: PositionKind::Distance, ..small() };
    let wide = IntConfig { d_model: 64, n_heads: 1, d_ff: 1100, n_layers: 1, ..small() };
    let own = IntConfig { embedding: Embedding::PerType, head: HeadKind::PerType, ..small() };
    let shared = IntConfig { embedding: Embedding::Shared, head: HeadKind::Shared, ..small() };
    let cases = [
        (IntConfig::record(6), 1, Fill::Typical, 6_057_969_838_353_918_759),
        (memory, 2, Fill::Typical, 6_200_964_505_602_812_324),
        (bytes, 3, Fill::Typical, 18_313_035_253_671_654_701),
        (sinusoidal.clone(), 0, Fill::Extreme, 12_132_643_979_830_986_502),
        (sinusoidal, 2, Fill::Extreme, 12_432_336_648_230_644_551),
        (distance.clone(), 1, Fill::Extreme, 4_985_548_373_507_636_958),
        (distance, 3, Fill::Extreme, 11_072_152_524_808_950_327),
        (wide.clone(), 7, Fill::Typical, 14_085_658_691_971_312_885),
        (wide, 7, Fill::Extreme, 13_014_921_988_665_863_359),
        (own, 4, Fill::Typical, 4_718_164_484_810_628_408),
        (shared, 4, Fill::Typical, 3_010_140_037_245_623_127),
    ];
    for isa in Isa::available() {
        let hashes = cases.clone().map(|(config, seed, fill, _)| {
            let inputs = inputs(&config, 3, 60, seed);
            let model = packed(&config, seed, fill);
            hash(&collect(&mut Engine::new(model, 3, isa).expect("lanes"), &inputs))
        });
        assert_eq!(hashes, cases.clone().map(|(.., hash)| hash), "{isa:?}");
    }
}

/// Far into a stream, where the coarse turns of positions count, and where they begin again.
#[test]
fn far_positions_give_the_known_distributions() {
    let config = IntConfig { position: PositionKind::Sinusoidal, ..small() };
    let model = packed(&config, 5, Fill::Typical);
    let inputs = inputs(&config, 2, 20, 5);
    for (start, known) in [
        (1_000_003, 2_941_967_118_505_155_526),
        (u64::from(u32::MAX) * 77, 11_809_936_605_135_266_781),
        (u64::MAX - 7, 13_097_176_350_058_961_803),
    ] {
        assert_eq!(hash(&reference(model.model(), 2, &inputs, start)), known, "{start}");
        for isa in Isa::available() {
            let mut engine = Engine::new(Arc::clone(&model), 2, isa).expect("lanes");
            engine.reset(start);
            assert_eq!(hash(&collect(&mut engine, &inputs)), known, "{isa:?} {start}");
        }
    }
}

/// The distributions of a random model are neither flat nor certain, so comparing them means something.
#[test]
fn random_models_have_opinions() {
    let config = IntConfig::record(6);
    let model = packed(&config, 1, Fill::Typical);
    let inputs = inputs(&config, 4, 30, 1);
    let cdfs = collect(&mut Engine::new(model, 4, Isa::detect()).expect("lanes"), &inputs);
    let peaks: Vec<u32> =
        cdfs.iter().map(|cdf| (0..=255).map(|s| cdf.width(s)).max().unwrap_or(0)).collect();
    assert!(peaks.iter().all(|&p| p < 60_000), "{peaks:?}");
    assert!(peaks.iter().filter(|&&p| p > 1000).count() > peaks.len() / 2, "{peaks:?}");
}

#[test]
fn impossible_lanes_are_errors() {
    let model = packed(&small(), 1, Fill::Typical);
    for lanes in [0, MAX_LANES + 1] {
        assert!(Engine::new(Arc::clone(&model), lanes, Isa::SCALAR).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_shape_agrees_with_the_reference(
        (heads, width, d_ff, window) in (1usize..4, 1usize..12, 1usize..30, 2usize..10),
        (vocab, layers, lanes, len) in (1usize..30, 1usize..3, 1usize..6, 1usize..30),
        memory in prop::option::of((1usize..12, 1usize..5)),
        (position, extreme, seed) in (0usize..3, any::<bool>(), any::<u64>()),
    ) {
        let config = IntConfig {
            vocab,
            n_layers: layers,
            n_heads: heads,
            d_model: heads * width,
            d_ff,
            window,
            position: [PositionKind::Sinusoidal, PositionKind::Distance, PositionKind::None][position],
            memory: memory.map(|(chunk, rate)| MemoryConfig { chunk, rate }),
            ..small()
        };
        check(&config, seed, if extreme { Fill::Extreme } else { Fill::Typical }, lanes, len);
    }
}

/// What an engine is said to take is what it takes: vectors, and the sums of a panel for each of its columns.
#[test]
fn engines_take_what_is_said() {
    let memory = IntConfig { memory: Some(MemoryConfig { chunk: 6, rate: 2 }), ..small() };
    for config in [small(), memory, IntConfig::record(5)] {
        let model = packed(&config, 1, Fill::Typical);
        for lanes in [1, 4, PIECE_COLUMNS, 300] {
            let engine = Engine::new(Arc::clone(&model), lanes, Isa::SCALAR).expect("lanes");
            let columns = engine.piece * lanes;
            assert_eq!(columns, lanes.max(PIECE_COLUMNS));
            let s = &engine.scratch;
            let wide = [s.x.first(columns), s.logits.first(lanes)];
            let narrow =
                [&s.a, &s.query, &s.key, &s.value, &s.gate, &s.up].map(|c| c.first(columns));
            let cap = if config.memory.is_some() { config.memory_cap() } else { 0 };
            let slots = [config.window, cap].map(|slots| KeyValues::lane_bytes(&config, slots));
            let pending = engine.layers.iter().map(|l| size_of_val(&l.pending[..])).sum::<usize>();
            let vectors = wide.map(|c| size_of_val(c.data)).iter().sum::<usize>()
                + narrow.map(|c| size_of_val(c.data)).iter().sum::<usize>()
                + size_of_val(&engine.distributions[..])
                + pending;
            let rings = (lanes * engine.layers.len()) as u64 * slots.iter().sum::<u64>();
            let sums = (columns * columns::ALIGN * (4 + 8)) as u64;
            let said = Engine::state_bytes(&config, lanes);
            assert_eq!(said, vectors as u64 + rings + sums, "{lanes} lanes, {config:?}");
        }
    }
}

/// The same of packed models.
#[test]
fn packed_models_take_what_is_said() {
    let distance = IntConfig { n_layers: 3, position: PositionKind::Distance, ..small() };
    let memory = Some(MemoryConfig { chunk: 6, rate: 2 });
    for config in [distance.clone(), IntConfig { memory, head: HeadKind::PerType, ..distance }] {
        let model = packed(&config, 1, Fill::Typical);
        let maps = model.layers().iter().flat_map(|l| {
            let always = [&l.query, &l.key, &l.value, &l.output, &l.gate, &l.up, &l.down];
            let remembering = [&l.memory_key, &l.memory_value, &l.projection];
            let some = if config.memory.is_some() { &remembering[..] } else { &[] };
            [&always[..], some].concat()
        });
        let maps = maps.chain(model.heads()).map(|map| map.held()).sum::<u64>();
        let table = |l: &PackedLayer| size_of_val(&l.distance[..]) + size_of_val(&l.silu[..]);
        let tables = model.layers().iter().map(table).sum::<usize>();
        assert_eq!(PackedModel::bytes(&config), maps + tables as u64, "{config:?}");
    }
}
