use super::*;
use vxc_entropy::{RangeDecoder, RangeEncoder};

fn config(contexts: usize, depth: u32) -> MixConfig {
    MixConfig {
        line_bits: 8,
        limits: vec![255; contexts],
        runs: contexts.is_multiple_of(2),
        sets: vec![
            SetConfig { size: 3, by_node: true, rate: mixer::rate(20) },
            SetConfig { size: 1, by_node: false, rate: mixer::rate(3) },
        ],
        extra_inputs: 1,
        apms: vec![2],
        depth,
    }
}

/// Always says the same.
struct Constant;
impl Expert for Constant {
    fn inputs(&mut self, _: u32, _: u32, inputs: &mut [i32]) {
        inputs[0] = 300;
    }
    fn learn(&mut self, _: bool) {}
}

/// Codes symbols of changing depths, each a function of the two before it, with some noise.
fn run<C: BinaryCoder>(
    mix: &mut Mix,
    coder: &mut C,
    contexts: usize,
    symbols: Option<&[u32]>,
) -> Vec<u32> {
    let mut out: Vec<u32> = Vec::new();
    for i in 0..3000usize {
        let depth = depth_of(i).min(mix.depth);
        let (a, b) = match out[..] {
            [.., b, a] => (a, b),
            _ => (0, 0),
        };
        let hashes: Vec<u32> =
            (0..contexts as u32).map(|k| a.wrapping_mul(k + 1) ^ b << (k % 8)).collect();
        let (i3, i2) = (i as u32 % 3, i as u32 % 2);
        let query = Query { hashes: &hashes, sets: &[i3, 0], apms: &[i2], last: a & 255, depth };
        let symbol = symbols.map_or(0, |s| s[i]);
        let symbol = mix.code(coder, &query, symbol, &mut Constant);
        assert!(symbol < 1 << depth);
        out.push(symbol);
    }
    out
}

fn depth_of(i: usize) -> u32 {
    [8, 1, 5, 4, 3][i % 5]
}

fn symbols(depth: u32) -> Vec<u32> {
    let mut state = 1u32;
    (0..3000usize)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = if state >> 29 == 0 { state >> 8 } else { 0 };
            (i as u32 * 7 + noise) & ((1 << depth_of(i).min(depth)) - 1)
        })
        .collect()
}

#[test]
fn decodes_for_every_number_of_contexts_and_depth_on_every_instruction_set() {
    for contexts in [0, 1, 7, 8, 14, MAX_CONTEXTS] {
        for depth in [1, 4, 6, 8] {
            let symbols = symbols(depth);
            let mut coded: Vec<Vec<u8>> = Vec::new();
            for isa in Isa::available() {
                let mut mix = Mix::new(&config(contexts, depth));
                mix.set_isa(isa);
                let mut encoder = RangeEncoder::new();
                run(&mut mix, &mut encoder, contexts, Some(&symbols));
                coded.push(encoder.finish());
            }
            assert!(coded.iter().all(|c| c == &coded[0]));
            let mut mix = Mix::new(&config(contexts, depth));
            let mut decoder = RangeDecoder::new(&coded[0]);
            assert!(run(&mut mix, &mut decoder, contexts, None) == symbols);
        }
    }
}

#[test]
fn the_constant_counter_gives_the_constant_input() {
    assert_eq!(stretch_signed(BIAS_COUNTER), BIAS);
}

#[test]
fn contexts_that_determine_the_symbol_make_it_cheap() {
    let mut mix = Mix::new(&config(2, 8));
    let mut encoder = RangeEncoder::new();
    let mut state = 5u32;
    for _ in 0..20_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let key = state >> 27;
        let query = Query { hashes: &[key, 0], sets: &[0, 0], apms: &[0], last: 0, depth: 8 };
        mix.code(&mut encoder, &query, (key * 37) & 255, &mut Constant);
    }
    assert!(encoder.finish().len() < 600);
}
