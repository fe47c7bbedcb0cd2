//! How the production network must behave, whatever its weights.

mod common;

use burn::module::Module;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};
use common::{all_kinds, difference, tokens, with_memory};
use proptest::prelude::*;
use vxc_model::reference::{CompressiveTransformer, ReferenceConfig};
use vxc_model::{
    CatWrapper, MemoryConfig, OptimisedCompressiveTransformer, State, Tokens, TransformerConfig,
    TypePattern, weights,
};

fn network(config: &TransformerConfig, device: &Device) -> OptimisedCompressiveTransformer {
    OptimisedCompressiveTransformer::new(config, 42, device).expect("a valid configuration")
}

/// Runs pieces of the given lengths (the last one takes the rest) and joins the logits.
fn in_pieces(
    model: &OptimisedCompressiveTransformer,
    input: &Tokens,
    lengths: &[usize],
) -> (Tensor<3>, State) {
    let [_, len] = input.dims();
    let mut state = State::new();
    let (mut logits, mut start, mut lengths) = (Vec::new(), 0, lengths.iter());
    while start < len {
        let piece = lengths.next().copied().unwrap_or(len).clamp(1, len - start);
        let (part, after) = model.forward(&input.slice(start..start + piece), state);
        logits.push(part);
        state = after;
        start += piece;
    }
    (Tensor::cat(logits, 1), state)
}

#[test]
fn steps_of_one_give_the_logits_of_the_whole() {
    let device = Device::flex();
    for config in all_kinds() {
        let model = network(&config, &device);
        let input = tokens(&config, 2, 40, &device);
        let (whole, _) = model.forward(&input, State::new());
        let (steps, _) = in_pieces(&model, &input, &[1; 40]);
        let difference = difference(whole, steps);
        assert!(difference < 1e-5, "{difference} {config:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_cut_gives_the_logits_of_the_whole(
        kind in 0usize..6,
        lengths in proptest::collection::vec(1usize..15, 0..12),
    ) {
        let device = Device::flex();
        let config = &all_kinds()[kind];
        let model = network(config, &device);
        let input = tokens(config, 1, 31, &device);
        let (whole, after_whole) = model.forward(&input, State::new());
        let (pieces, after_pieces) = in_pieces(&model, &input, &lengths);
        prop_assert!(difference(whole, pieces) < 1e-5);
        prop_assert_eq!(after_whole.position, after_pieces.position);
        for (a, b) in after_whole.layers.into_iter().zip(after_pieces.layers) {
            prop_assert_eq!(a.memory.is_some(), b.memory.is_some());
            if let (Some(a), Some(b)) = (a.memory, b.memory) {
                prop_assert!(difference(a, b) < 1e-4);
            }
        }
    }
}

#[test]
fn caches_and_memories_stay_bounded() {
    let device = Device::flex();
    let config = with_memory();
    let model = network(&config, &device);
    let mut state = State::new();
    for _ in 0..60 {
        state = model.forward(&tokens(&config, 3, 1, &device), state).1;
        for layer in &state.layers {
            let cache = layer.cache.as_ref().expect("a cache");
            assert!(cache.keys.dims()[2] < config.window);
            assert_eq!(cache.keys.dims(), cache.values.dims());
            assert!(layer.memory.as_ref().is_none_or(|m| m.dims()[1] <= config.memory_cap()));
            assert!(layer.pending.as_ref().is_none_or(|p| p.dims()[1] < 6));
        }
    }
    assert_eq!(state.position, 60);
    assert_eq!(state.lanes(), Some(3));
}

#[test]
fn a_symbol_changes_only_what_comes_after_it() {
    let device = Device::flex();
    for config in all_kinds() {
        let model = network(&config, &device);
        let input = tokens(&config, 1, 12, &device);
        let mut other = input.clone();
        let first = input.symbols.clone().narrow(1, 0, 7);
        let changed = input.symbols.clone().narrow(1, 7, 1).add_scalar(1).remainder_scalar(13);
        let rest = input.symbols.clone().narrow(1, 8, 4);
        other.symbols = Tensor::cat(vec![first, changed, rest], 1);
        let run = |input: &Tokens| model.forward(input, State::new()).0;
        let (a, b) = (run(&input), run(&other));
        assert_eq!(difference(a.clone().narrow(1, 0, 8), b.clone().narrow(1, 0, 8)), 0.0);
        assert!(difference(a.narrow(1, 8, 1), b.narrow(1, 8, 1)) > 0.0, "{config:?}");
    }
}

#[test]
fn what_the_window_hides_is_not_seen() {
    // One layer without memory: position t reads symbols t − window .. t − 1, being keys t − window + 1 ..= t.
    let device = Device::flex();
    let config = TransformerConfig { n_layers: 1, memory: None, ..with_memory() };
    let model = network(&config, &device);
    let input = tokens(&config, 1, 12, &device);
    let mut other = input.clone();
    let changed = input.symbols.clone().narrow(1, 0, 1).add_scalar(1).remainder_scalar(13);
    other.symbols = Tensor::cat(vec![changed, input.symbols.clone().narrow(1, 1, 11)], 1);
    let run = |input: &Tokens| model.forward(input, State::new()).0;
    let (a, b) = (run(&input), run(&other));
    let seen: Vec<bool> = (0..12)
        .map(|t| difference(a.clone().narrow(1, t, 1), b.clone().narrow(1, t, 1)) > 0.0)
        .collect();
    let expected: Vec<bool> = (0..12).map(|t| (1..=config.window).contains(&t)).collect();
    assert_eq!(seen, expected);
}

#[test]
fn memory_is_seen_from_the_next_chunk_on() {
    // With one layer and the window of one chunk, only memory carries the first symbol past the window.
    let device = Device::flex();
    let memory = MemoryConfig { chunk: 6, rate: 1, ..with_memory().memory.expect("a memory") };
    let config =
        TransformerConfig { n_layers: 1, window: 12, memory: Some(memory), ..with_memory() };
    let model = network(&config, &device);
    let input = tokens(&config, 1, 20, &device);
    let (_, after_five) = model.forward(&input.slice(0..5), State::new());
    assert!(after_five.layers[0].memory.is_none());
    let (_, after_six) = model.forward(&input.slice(5..6), after_five);
    assert_eq!(after_six.layers[0].memory.as_ref().expect("a memory").dims(), [1, 6, 8]);
    assert!(after_six.layers[0].pending.is_none());
    let (_, after_all) = model.forward(&input.slice(6..20), after_six.clone());
    assert_eq!(after_all.layers[0].memory.as_ref().expect("a memory").dims(), [1, 6, 8]);
    // Without the memory of the first chunk the seventh logit differs.
    let mut forgotten = after_six.clone();
    forgotten.layers[0].memory = None;
    let run = |state: State| model.forward(&input.slice(6..7), state).0;
    assert!(difference(run(after_six), run(forgotten)) > 0.0);
}

#[test]
fn beta_starts_local_in_production_and_at_half_in_the_reference() {
    let device = Device::flex();
    let small = TransformerConfig { d_model: 8, d_ff: 8, n_layers: 1, ..Default::default() };
    let production = network(&small, &device);
    let stream = production.layers[0].attn.memory.as_ref().expect("a memory");
    let beta = sigmoid(stream.infini_beta.as_ref().expect("trained").val()).mean();
    assert!((beta.into_scalar::<f32>() - 0.047_426).abs() < 1e-5);
    let config = ReferenceConfig { d_model: 8, d_ff: 8, n_layers: 1, ..Default::default() };
    let reference = CompressiveTransformer::new(&config, 1, &device).expect("valid");
    let beta = reference.layers[0].attn.memory.infini_beta.as_ref().expect("trained").val();
    assert_eq!(sigmoid(beta).mean().into_scalar::<f32>(), 0.5);
}

#[test]
fn eviction_learns_through_two_chunks() {
    let device = Device::flex().autodiff();
    for (backprop_chunks, learns) in [(2, true), (1, false)] {
        let memory = MemoryConfig { backprop_chunks, ..with_memory().memory.expect("a memory") };
        let config = TransformerConfig { memory: Some(memory), ..with_memory() };
        let model = network(&config, &device);
        let input = tokens(&config, 2, 12, &device);
        let (logits, _) = model.forward(&input, State::new());
        // The loss of the second chunk alone.
        let gradients = logits.narrow(1, 6, 6).square().sum().backward();
        for layer in &model.layers {
            let eviction = &layer.attn.memory.as_ref().expect("a memory").manager.eviction;
            let size = |gradient: Option<Tensor<2>>| {
                gradient.map_or(0.0, |g| g.abs().sum().into_scalar::<f32>())
            };
            let depthwise = size(eviction.depthwise.val().grad(&gradients));
            let pointwise = size(eviction.pointwise.val().grad(&gradients));
            assert_eq!(depthwise > 0.0, learns, "depthwise {depthwise}");
            assert_eq!(pointwise > 0.0, learns, "pointwise {pointwise}");
        }
    }
}

#[test]
fn types_follow_the_record_across_chunks_and_passes() {
    // The bias names the type; records of 5 positions, chunks of 6, passes of 7 and 13.
    let device = Device::flex();
    let config = with_memory();
    let types = TypePattern::record(vec![0, 1, 2, 0, 3]).expect("no gaps");
    let counts: Vec<Vec<u64>> =
        (0..4).map(|t| (0..11).map(|s| if s == t { 1_000_000_000 } else { 0 }).collect()).collect();
    let model = network(&config, &device).init_bias(&counts).expect("4 × 11");
    let input = tokens(&config, 1, 40, &device);
    let (logits, _) = in_pieces(&model, &input, &[7, 13]);
    let named: Vec<i64> = logits.argmax(2).into_data().convert::<i64>().try_to_vec().expect("i64");
    let expected: Vec<i64> = types.at(0, 40).into_iter().map(|t| t as i64).collect();
    assert_eq!(named, expected);
    // A lane may start inside a record.
    let (logits, _) = model.forward(&input.slice(0..10), State::at(3));
    let named: Vec<i64> = logits.argmax(2).into_data().convert::<i64>().try_to_vec().expect("i64");
    assert_eq!(named, [0, 3, 0, 1, 2, 0, 3, 0, 1, 2]);
}

#[test]
fn weights_depend_on_the_seed_alone() {
    let config = with_memory();
    let here = weights(&network(&config, &Device::flex()));
    let there = {
        let config = config.clone();
        std::thread::spawn(move || {
            let device = Device::flex();
            device.seed(99);
            weights(&network(&config, &device))
        })
        .join()
        .expect("no panic")
    };
    assert_eq!(here, there);
    let other = OptimisedCompressiveTransformer::new(&config, 43, &Device::flex()).expect("valid");
    assert_ne!(here, weights(&other));
}

#[test]
fn parameters_are_counted_and_numbered() {
    let device = Device::flex();
    for config in all_kinds() {
        let model = network(&config, &device);
        assert_eq!(model.parameter_count(), config.parameter_count(), "{config:?}");
        let mut ids = burn::module::list_param_ids(&model);
        ids.sort_unstable_by_key(|id| id.val());
        let numbers: Vec<u64> = ids.iter().map(|id| id.val()).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    }
    // As the published model has, and the start vector (its documentation says 14.8 M for these sizes).
    assert_eq!(TransformerConfig::default().parameter_count(), 40_157_768 + 512);
}

#[test]
fn chunk_sizes_are_sampled_by_step_and_the_largest_serves() {
    let device = Device::flex();
    let config = with_memory();
    let wrapper = CatWrapper::new(network(&config, &device), vec![4, 12, 6], 5).expect("sizes");
    let drawn: Vec<usize> = (0..60).map(|step| wrapper.training_chunk(step)).collect();
    assert_eq!(drawn, (0..60).map(|step| wrapper.training_chunk(step)).collect::<Vec<_>>());
    for size in [4, 6, 12] {
        assert!(drawn.iter().filter(|&&d| d == size).count() > 8, "{drawn:?}");
    }
    assert_eq!(wrapper.inference_chunk(), 12);
    let input = tokens(&config, 1, 24, &device);
    let (logits, state) = wrapper.forward(&input, State::new());
    assert_eq!(logits.dims(), [1, 24, 11]);
    assert!(state.layers[0].memory.is_some());
    assert!(CatWrapper::new(wrapper.model.clone(), vec![], 5).is_err());
    assert!(CatWrapper::new(wrapper.model, vec![0, 4], 5).is_err());
}

#[test]
fn validation_copies_need_no_autodiff() {
    let config = with_memory();
    let model = network(&config, &Device::flex().autodiff());
    let input = tokens(&config, 2, 15, &Device::flex());
    let (trained, _) = model.forward(&input, State::new());
    let (plain, _) = model.valid().forward(&input, State::new());
    assert!(!plain.is_autodiff());
    assert!(difference(trained, plain) < 1e-5);
}
