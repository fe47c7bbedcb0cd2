//! Gradients: shares of a batch give those of the whole, the eviction's scorer gets some, clipping is global.

mod common;

use burn::tensor::Device;
use vxc_model::{OptimisedCompressiveTransformer, State};
use vxc_tokens::{FitOptions, fit};
use vxc_train::data::{Batch, Corpus, fields};
use vxc_train::gradients::Gradients;
use vxc_train::network;
use vxc_train::precision::Arithmetic;
use vxc_train::shard::{Plan, gradients, shares};

fn parts(set: &[&str]) -> (Corpus, OptimisedCompressiveTransformer, Device, Vec<usize>) {
    let (bytes, layout) = common::table(900);
    let corpus = fields::corpus(&fit(&layout, &bytes, &FitOptions::default()).unwrap(), &bytes);
    let mut all = vec!["dropout=0.0"];
    all.extend(set);
    let config = common::request(std::path::Path::new(""), 1, &all).config;
    let device = Device::flex().autodiff();
    let shape = network::config(&config.model, &corpus).unwrap();
    let network = OptimisedCompressiveTransformer::new(&shape, 3, &device).unwrap();
    (corpus, network, device, config.model.chunk_sizes)
}

fn plan(devices: &[Device], shards: usize, batch: &Batch) -> Plan<'static> {
    Plan {
        devices: Box::leak(devices.to_vec().into_boxed_slice()),
        shards,
        arithmetic: Arithmetic::Full,
        tokens: batch.tokens(),
        scale: 1.0,
        seed: 1,
        pass: 0,
        chunk: None,
        checkpointing: false,
    }
}

fn values(gradients: &Gradients, name: &str) -> Vec<f32> {
    gradients.get(name).unwrap().clone().try_into_vec_as::<f32>().unwrap()
}

#[test]
fn shares_add_up_to_the_whole() {
    let (corpus, network, device, _) = parts(&[]);
    let starts: Vec<usize> = (0..17).map(|i| i * 5 * 11).collect();
    let batch = Batch::gather(&corpus, &starts, 5);
    let run = |shards| {
        let plan = plan(std::slice::from_ref(&device), shards, &batch);
        gradients(&network, &batch, &mut Vec::new(), &plan).unwrap()
    };
    let (one, three) = (run(1), run(3));
    assert!((one.nats - three.nats).abs() < 1e-3);
    assert!((one.gradients.norm() - three.gradients.norm()).abs() < 1e-5);
    for (a, b) in
        values(&one.gradients, "head.weight").iter().zip(values(&three.gradients, "head.weight"))
    {
        assert!((a - b).abs() < 1e-6);
    }
}

#[test]
fn the_scorer_of_the_eviction_learns_from_consecutive_chunks() {
    let (corpus, network, device, _) = parts(&["preset=memory", "chunk_sizes=[8]"]);
    let batch = Batch::gather(&corpus, &[0, 500], 32);
    let plan = Plan { chunk: Some(8), ..plan(std::slice::from_ref(&device), 1, &batch) };
    let mut states: Vec<State> = Vec::new();
    let outcome = gradients(&network, &batch, &mut states, &plan).unwrap();
    assert_eq!(states.len(), 1);
    let scorers: Vec<&str> = outcome
        .gradients
        .names()
        .filter(|n| n.contains("eviction.depthwise") || n.contains("eviction.pointwise"))
        .collect();
    assert!(!scorers.is_empty(), "{:?}", outcome.gradients.names().collect::<Vec<_>>());
    for name in scorers {
        assert!(values(&outcome.gradients, name).iter().any(|&g| g != 0.0), "{name}");
    }
}

#[test]
fn recomputed_blocks_give_the_same_gradients() {
    let (corpus, network, device, _) = parts(&["preset=memory", "chunk_sizes=[8]"]);
    let batch = Batch::gather(&corpus, &[0, 500], 32);
    let run = |checkpointing| {
        let plan = plan(std::slice::from_ref(&device), 1, &batch);
        let plan = Plan { chunk: Some(8), checkpointing, ..plan };
        gradients(&network, &batch, &mut Vec::new(), &plan).unwrap()
    };
    let (kept, again) = (run(false), run(true));
    assert!((kept.nats - again.nats).abs() < 1e-3 * kept.nats);
    for name in kept.gradients.names() {
        for (a, b) in values(&kept.gradients, name).iter().zip(values(&again.gradients, name)) {
            assert!((a - b).abs() < 1e-5, "{name}: {a} {b}");
        }
    }
}

#[test]
fn clipping_scales_all_gradients_alike() {
    let (corpus, network, device, _) = parts(&[]);
    let batch = Batch::gather(&corpus, &[0, 5, 10], 5);
    let plan = plan(std::slice::from_ref(&device), 1, &batch);
    let mut g = gradients(&network, &batch, &mut Vec::new(), &plan).unwrap().gradients;
    let before = values(&g, "head.weight");
    let norm = g.norm();
    assert_eq!(g.clip(2.0 * norm), norm);
    assert_eq!(values(&g, "head.weight"), before);
    assert_eq!(g.clip(norm / 4.0), norm);
    assert!((g.norm() - norm / 4.0).abs() < 1e-4 * norm);
    for (a, b) in values(&g, "head.weight").iter().zip(before) {
        assert!((a - b / 4.0).abs() <= 1e-5 * b.abs() + 1e-9);
    }
}

#[test]
fn no_device_is_left_without_a_share() {
    let device = Device::flex();
    assert_eq!(shares(1, &[device.clone(), device.clone()]), 2);
    assert_eq!(shares(4, &[device.clone(), device.clone()]), 4);
    assert_eq!(shares(1, &[device]), 1);
}
