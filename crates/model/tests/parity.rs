//! Agreement with the published Python package, from recorded fixtures (`tests/parity/README.md`).

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use common::difference;
use vxc_model::production::LayerState;
use vxc_model::published::Published;
use vxc_model::reference::CompressiveTransformer;
use vxc_model::{
    LearnableTokenEviction, ModelError, OptimisedCompressiveTransformer, PositionalEncoding,
    SwiGlu, TdtEmbedding, from_safetensors, to_safetensors,
};

const TOLERANCE: f32 = 1e-4;
const PASSES: usize = 3;
const WINDOW: usize = 16;
const RATE: usize = 4;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/parity/fixtures").join(name)
}

/// Recorded tensors of one network.
struct Recorded {
    tensors: BTreeMap<String, TensorData>,
    device: Device,
}

impl Recorded {
    fn new(file: &str) -> Self {
        let bytes = std::fs::read(fixture(file)).expect("fixtures are part of the repository");
        Self { tensors: from_safetensors(&bytes).expect("tensors"), device: Device::flex() }
    }

    /// The weights under their published names.
    fn weights(&self) -> Published {
        let weights: BTreeMap<String, TensorData> = self
            .tensors
            .iter()
            .filter_map(|(name, data)| Some((name.strip_prefix("weights.")?.into(), data.clone())))
            .collect();
        let bytes = to_safetensors(&weights).expect("bytes");
        Published::from_safetensors(&bytes, Path::new("fixture")).expect("weights")
    }

    fn get<const D: usize>(&self, name: &str) -> Tensor<D> {
        let data = self.tensors.get(name).unwrap_or_else(|| panic!("{name} was not recorded"));
        Tensor::from_data(data.clone(), &self.device)
    }

    fn find<const D: usize>(&self, name: &str) -> Option<Tensor<D>> {
        self.tensors.contains_key(name).then(|| self.get(name))
    }

    fn symbols(&self, pass: usize) -> Tensor<2, Int> {
        self.get::<3>("symbols").narrow(0, pass, 1).squeeze_dim::<2>(0).int()
    }

    fn check<const D: usize>(&self, name: &str, ours: Tensor<D>) {
        let difference = difference(self.get(name), ours);
        assert!(difference < TOLERANCE, "{name}: {difference}");
    }

    fn check_embedding(&self, embedding: &TdtEmbedding) {
        for pass in 0..PASSES {
            let symbols = self.symbols(pass);
            let [_, len] = symbols.dims();
            let types: Vec<usize> = (0..len).map(|t| t % 4).collect();
            let x = embedding.forward(symbols, &types);
            self.check(&format!("pass.{pass}.embed.out.0"), x.clone());
            let encoding = PositionalEncoding::new(x.dims()[2]).forward(0, len, &self.device);
            self.check(&format!("pass.{pass}.pe.out.0"), x + encoding);
        }
    }

    fn check_eviction(&self, eviction: &LearnableTokenEviction) {
        for pass in 0..PASSES {
            let kept = eviction.forward(self.get(&format!("pass.{pass}.attn.in.0")));
            let indices: Vec<f32> = self
                .get::<2>(&format!("pass.{pass}.eviction.indices"))
                .into_data()
                .try_to_vec()
                .expect("f32");
            let ours: Vec<f32> = kept.positions.iter().flatten().map(|&p| p as f32).collect();
            assert_eq!(ours, indices);
            self.check(&format!("pass.{pass}.eviction.values"), kept.values);
        }
    }

    fn check_swiglu(&self, ff: &SwiGlu) {
        for pass in 0..PASSES {
            let y = ff.forward(self.get(&format!("pass.{pass}.ff.in.0")));
            self.check(&format!("pass.{pass}.ff.out.0"), y);
        }
    }
}

fn reference() -> (Recorded, CompressiveTransformer) {
    let recorded = Recorded::new("reference.safetensors");
    assert!(!recorded.weights().is_optimised());
    let model = recorded.weights().into_reference(WINDOW, RATE, &recorded.device).expect("fits");
    (recorded, model)
}

fn production() -> (Recorded, OptimisedCompressiveTransformer) {
    let recorded = Recorded::new("optimised.safetensors");
    assert!(recorded.weights().is_optimised());
    let model = recorded.weights().into_production(WINDOW, RATE, &recorded.device).expect("fits");
    (recorded, model)
}

#[test]
fn parts_of_the_reference() {
    let (recorded, model) = reference();
    let block = &model.layers[0];
    recorded.check_embedding(&model.embed);
    recorded.check_eviction(&block.attn.memory.manager.eviction);
    recorded.check_swiglu(&block.ff);
    for pass in 0..PASSES {
        let name = |part: &str| format!("pass.{pass}.{part}");
        recorded.check(&name("ln1.out.0"), block.ln1.forward(recorded.get(&name("ln1.in.0"))));
        let x = recorded.get(&name("attn.in.0"));
        let (y, memory) = block.attn.forward(x, recorded.find(&name("attn.in.1")), None);
        recorded.check(&name("attn.out.0"), y);
        recorded.check(&name("attn.out.1"), memory);
        let x = recorded.get(&name("block.in.0"));
        let (y, memory) = block.forward(x, recorded.find(&name("block.in.1")), None);
        recorded.check(&name("block.out.0"), y);
        recorded.check(&name("memory.0"), memory);
    }
}

#[test]
fn parts_of_the_production_network() {
    let (recorded, model) = production();
    let block = &model.layers[0];
    recorded.check_embedding(&model.embed);
    let stream = block.attn.memory.as_ref().expect("a memory");
    recorded.check_eviction(&stream.manager.eviction);
    recorded.check_swiglu(&block.ff);
    for pass in 0..PASSES {
        let name = |part: &str| format!("pass.{pass}.{part}");
        let state = |part: &str| LayerState {
            memory: recorded.find(&name(&format!("{part}.in.1"))),
            ..LayerState::default()
        };
        recorded.check(&name("ln1.out.0"), block.ln1.forward(recorded.get(&name("ln1.in.0"))));
        let x = recorded.get(&name("attn.in.0"));
        let (y, after) = block.attn.forward(x, state("attn"), true, None);
        recorded.check(&name("attn.out.0"), y);
        recorded.check(&name("attn.out.1"), after.memory.expect("a memory"));
        let x = recorded.get(&name("block.in.0"));
        let (y, after) = block.forward(x, state("block"), true, None);
        recorded.check(&name("block.out.0"), y);
        recorded.check(&name("memory.0"), after.memory.expect("a memory"));
    }
}

/// The last positions, which are all that was recorded.
fn tail(logits: Tensor<3>) -> Tensor<3> {
    let len = logits.dims()[1];
    logits.narrow(1, len - 2, 2)
}

#[test]
fn the_reference_network_over_three_passes() {
    let (recorded, model) = reference();
    let mut memories = Vec::new();
    for pass in 0..PASSES {
        let (logits, after) = model.forward(recorded.symbols(pass), memories, None);
        recorded.check(&format!("pass.{pass}.logits"), tail(logits));
        for (layer, memory) in after.iter().enumerate() {
            recorded.check(&format!("pass.{pass}.memory.{layer}"), memory.clone());
        }
        memories = after;
    }
    assert_eq!(memories[0].dims()[1], WINDOW / 2, "the cap was reached");
}

#[test]
fn the_production_network_over_three_passes() {
    let (recorded, model) = production();
    let mut memories = Vec::new();
    for pass in 0..PASSES {
        let (logits, after) = model.logits_of_next(recorded.symbols(pass), memories);
        recorded.check(&format!("pass.{pass}.logits"), tail(logits));
        for (layer, memory) in after.iter().enumerate() {
            recorded.check(&format!("pass.{pass}.memory.{layer}"), memory.clone());
        }
        memories = after;
    }
    assert_eq!(memories[0].dims()[1], WINDOW / 2, "the cap was reached");
}

#[test]
fn a_checkpoint_of_the_package_is_imported() {
    let device = Device::flex();
    let published = Published::from_pt(&fixture("checkpoint.pt")).expect("a checkpoint");
    assert!(published.is_optimised());
    let sizes = published.sizes(WINDOW, RATE).expect("sizes");
    assert_eq!((sizes.vocab, sizes.d_model, sizes.n_layers, sizes.n_heads), (256, 8, 1, 2));
    let model = published.into_production(WINDOW, RATE, &device).expect("fits");
    assert_eq!(model.parameter_count(), model.num_params());
    let recorded = Recorded::new("checkpoint_logits.safetensors");
    let symbols = recorded.get::<2>("symbols").int();
    recorded.check("logits", model.logits_of_next(symbols, Vec::new()).0);
}

#[test]
fn checkpoints_that_are_none_are_errors() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("no.pt");
    let good = std::fs::read(fixture("checkpoint.pt")).expect("a fixture");
    for bytes in [&b""[..], b"PK\x03\x04", b"plain text", &good[..good.len() / 2]] {
        std::fs::write(&path, bytes).expect("written");
        assert!(matches!(Published::from_pt(&path), Err(ModelError::Format { .. })), "{bytes:?}");
    }
    // os.system("touch …") as a pickle: parsed, never called, and no weights come of it.
    let marker = directory.path().join("called");
    let command = format!("touch {}", marker.display());
    let pickle = format!("cos\nsystem\n(S'{command}'\ntR.");
    std::fs::write(&path, pickle).expect("written");
    let outcome = Published::from_pt(&path).and_then(|p| p.sizes(WINDOW, RATE));
    assert!(outcome.is_err());
    assert!(!marker.exists());
    // Weights of the other network do not fit.
    let device = Device::flex();
    let recorded = Recorded::new("reference.safetensors");
    let other = recorded.weights().into_production(WINDOW, RATE, &device);
    assert!(matches!(other, Err(ModelError::Weights(_))));
}
