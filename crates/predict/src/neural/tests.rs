//! What a neural segment must keep: whatever runs it, in whatever lanes, gives the same bytes, and they decode.

use vxc_entropy::{CostCounter, RangeDecoder, RangeEncoder};
use vxc_infer::weights::random::Fill;
use vxc_infer::{IntConfig, IntModel};
use vxc_tokens::bins::Bins;
use vxc_tokens::transform::Transform;
use vxc_tokens::{Endian, FitOptions, Kind, RecordLayout, fit};

use super::*;

/// Records of four floats: a walk that often stands still, its double, noise of few digits, and a constant.
fn table(records: usize) -> (Vec<u8>, Tokeniser) {
    let (mut x, mut state, mut bytes) = (5.0f32, 1u32, Vec::new());
    for _ in 0..records {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if state >> 30 == 0 {
            x += (state >> 8) as f32 * 1e-7;
        }
        for v in [x, 2.0 * x, (state >> 24) as f32, 1.0] {
            bytes.extend(v.to_le_bytes());
        }
    }
    let layout = RecordLayout::array(Kind::F32, Endian::Little, 4).unwrap();
    let tokeniser = fit(&layout, &bytes, &FitOptions::default()).unwrap();
    (bytes, tokeniser)
}

/// A small network of random weights; with a memory it goes on from record to record.
fn network(memory: bool, seed: u64) -> Network {
    let base = if memory { IntConfig::memory(4) } else { IntConfig::record(4) };
    let config = IntConfig {
        d_model: 16,
        n_layers: 1,
        n_heads: 2,
        d_ff: 16,
        memory: base.memory.map(|m| vxc_infer::config::MemoryConfig { chunk: 12, ..m }),
        window: if memory { 16 } else { 4 },
        ..base
    };
    Network::new(IntModel::random(config, seed, Fill::Typical).unwrap(), !memory)
}

fn models(tokeniser: &Tokeniser) -> [NeuralModel; 4] {
    let mixed = |level| NeuralModel::mixed(tokeniser, 1000, level);
    [NeuralModel::pure(), mixed(4), mixed(5), mixed(6)]
}

fn encoded(
    model: &NeuralModel,
    network: &Network,
    tokeniser: &Tokeniser,
    lanes: usize,
    bytes: &[u8],
) -> Vec<u8> {
    let mut coder = RangeEncoder::new();
    model.clone().encode(network, tokeniser, lanes, &mut coder, bytes).unwrap();
    coder.finish()
}

#[test]
fn segments_decode_in_any_lanes() {
    let (bytes, tokeniser) = table(301);
    for memory in [false, true] {
        let network = network(memory, 3);
        for model in models(&tokeniser) {
            for lanes in [1, 2, 7, 100, 256] {
                let coded = encoded(&model, &network, &tokeniser, lanes, &bytes);
                let mut out = vec![0; bytes.len()];
                let mut coder = RangeDecoder::new(&coded);
                let mut model = model.clone();
                model.decode(&network, &tokeniser, lanes, &mut coder, &mut out).unwrap();
                coder.finish().unwrap();
                assert!(out == bytes, "{lanes} lanes");
            }
        }
    }
}

#[test]
fn no_records_and_one_record() {
    let (bytes, tokeniser) = table(300);
    let network = network(false, 1);
    for model in models(&tokeniser) {
        for n in [0, 1] {
            let coded = encoded(&model, &network, &tokeniser, 1, &bytes[..16 * n]);
            let mut out = vec![0; 16 * n];
            let mut coder = RangeDecoder::new(&coded);
            model.clone().decode(&network, &tokeniser, 1, &mut coder, &mut out).unwrap();
            assert_eq!(out, bytes[..16 * n]);
        }
    }
}

#[test]
fn all_instruction_sets_give_the_same_bytes() {
    let (bytes, tokeniser) = table(200);
    let network = network(true, 9);
    for model in models(&tokeniser) {
        let coded: Vec<_> = Isa::available()
            .into_iter()
            .map(|isa| encoded(&model.on(isa), &network, &tokeniser, 5, &bytes))
            .collect();
        assert!(coded.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn a_network_that_knows_is_listened_to() {
    // A head bias that tells each step's most frequent symbol, and nothing else in the network.
    let (bytes, tokeniser) = table(2000);
    let random = network(false, 4);
    let mut weights = random.model().weights().clone();
    for head in &mut weights.heads {
        head.weights.fill(0);
    }
    let vocab = random.config().vocab;
    let mut counts = vec![0u32; 4 * vocab];
    let mut previous = vec![0; 4];
    for record in bytes.chunks(16) {
        let row: Vec<u64> = tokeniser.layout().fields.iter().map(|f| f.load(record)).collect();
        for (k, step) in tokeniser.steps().iter().enumerate() {
            let f = usize::from(step.field);
            let (before, _) = tokeniser.before(k, &row, &previous);
            counts[k * vocab + usize::from(step.encode(row[f], previous[f], before).symbol)] += 1;
        }
        previous = row;
    }
    weights.head_bias = counts.iter().map(|&n| ((n + 1).ilog2() * 256) as i16).collect();
    let known = IntModel::new(random.config().clone(), weights).unwrap();
    let cost = |model: &NeuralModel, network: &Network| {
        let mut coder = CostCounter::new();
        let mut model = model.clone();
        model.encode(network, &tokeniser, 8, &mut coder, &bytes).unwrap();
        coder.bits()
    };
    let (pure, mixed) = (NeuralModel::pure(), NeuralModel::mixed(&tokeniser, 2000, 5));
    let known = Network::new(known, true);
    assert!(cost(&pure, &known) < 0.8 * cost(&pure, &random));
    assert!(cost(&mixed, &known) < cost(&mixed, &random));
    assert!(cost(&mixed, &known) < cost(&pure, &known));
}

#[test]
fn what_was_learned_is_saved() {
    let (bytes, tokeniser) = table(600);
    let network = network(false, 2);
    let mut model = NeuralModel::mixed(&tokeniser, 600, 4);
    model.encode(&network, &tokeniser, 4, &mut CostCounter::new(), &bytes).unwrap();
    let mut saved = Vec::new();
    model.save(1, &mut saved);
    let mut loaded = NeuralModel::mixed(&tokeniser, 600, 4);
    loaded.load(&mut &saved[..]).unwrap();
    let cost = |model: &NeuralModel| encoded(model, &network, &tokeniser, 4, &bytes).len();
    assert!(cost(&loaded) * 20 < cost(&NeuralModel::mixed(&tokeniser, 600, 4)) * 19);
    assert!(NeuralModel::mixed(&tokeniser, 600, 4).load(&mut &saved[..saved.len() - 1]).is_err());
}

#[test]
fn hostile_numbers_are_errors() {
    let (bytes, tokeniser) = table(300);
    let network = network(false, 1);
    let mut out = vec![0; bytes.len()];
    for lanes in [0, 257, 301, usize::MAX] {
        let mut coder = RangeDecoder::new(&[1, 2, 3]);
        let mut model = NeuralModel::pure();
        assert!(model.decode(&network, &tokeniser, lanes, &mut coder, &mut out).is_err());
    }
    // Noise for coded bytes: an error or other records, never a panic.
    let noise: Vec<u8> =
        (0..4000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for mut model in models(&tokeniser) {
        let mut coder = RangeDecoder::new(&noise);
        let _ = model.decode(&network, &tokeniser, 7, &mut coder, &mut out);
    }
    let other =
        Network::new(IntModel::random(IntConfig::record(5), 1, Fill::Typical).unwrap(), true);
    let mut coder = RangeDecoder::new(&noise);
    assert!(NeuralModel::pure().decode(&other, &tokeniser, 7, &mut coder, &mut out).is_err());
}

/// Steps made by hand: no fit decides about them.
fn fixed() -> (Vec<u8>, Tokeniser) {
    let layout = RecordLayout::array(Kind::U16, Endian::Little, 3).unwrap();
    let step = |field, transform, copy, pairs: &[(u64, u64)]| Step {
        field,
        kind: Kind::U16,
        transform,
        copy,
        scale: None,
        bins: Bins::new(16, pairs).unwrap(),
        partners: (0..field).collect(),
    };
    let single: Vec<(u64, u64)> = (0..100).map(|i| (i * 3, 2)).collect();
    let steps = vec![
        step(0, Transform::Identity, true, &[(0, 16), (16, 48), (64, 192), (256, 1024)]),
        step(
            1,
            Transform::Delta,
            false,
            &[(32_000, 700), (32_700, 68), (32_768, 1), (32_769, 500)],
        ),
        step(2, Transform::Identity, false, &single),
    ];
    let (mut x, mut state, mut bytes) = (100u16, 9u32, Vec::new());
    for _ in 0..1000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let step = (state >> 27) as u16;
        x = if step < 12 { x } else { x.wrapping_add(step * step) % 1500 };
        for v in [x, 3 * x + step, (state >> 20) as u16 & 0xff] {
            bytes.extend(v.to_le_bytes());
        }
    }
    (bytes, Tokeniser::new(layout, steps).unwrap())
}

#[test]
fn coded_bytes_are_pinned() {
    let (bytes, tokeniser) = fixed();
    let mut hashes = Vec::new();
    for memory in [false, true] {
        let base = network(memory, 11);
        let config = IntConfig { types: IntConfig::cycle(3), ..base.config().clone() };
        let model = IntModel::random(config, 11, Fill::Typical).unwrap();
        let network = Network::new(model, !memory);
        for model in models(&tokeniser) {
            let coded = encoded(&model, &network, &tokeniser, 9, &bytes);
            // FNV-1a
            let hash = coded.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, &b| {
                (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
            });
            hashes.push((coded.len(), hash));
        }
    }
    assert_eq!(hashes, PINNED, "another value is another format: {hashes:#x?}");
}

/// Length and hash of the coded bytes: alone and with the contexts of levels 4 to 6; record by record, then with a
/// memory.
const PINNED: [(usize, u64); 8] = [
    (0x1e44, 0xd506_92fa_4654_94e2),
    (0xff6, 0xf4ed_3b94_9955_ce7c),
    (0xfde, 0xf0e2_f203_9c39_805e),
    (0xfe9, 0x12b2_be5c_9d34_3a1e),
    (0x1c26, 0x83c4_3483_7076_720d),
    (0xff5, 0x49d6_7b5b_5aa4_1c92),
    (0xfdd, 0x89e1_cf73_01d5_ff8c),
    (0xfe7, 0xd19e_2ae4_1e0c_db2b),
];
