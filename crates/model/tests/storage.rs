//! Networks on disk.

mod common;

use burn::tensor::{Device, TensorData};
use common::{difference, tokens, with_memory};
use vxc_model::{
    ModelError, OptimisedCompressiveTransformer, State, TransformerConfig, WeightsMismatch,
    apply_weights, from_safetensors, load, save, to_safetensors, weights,
};

fn network(config: &TransformerConfig, seed: u64) -> OptimisedCompressiveTransformer {
    OptimisedCompressiveTransformer::new(config, seed, &Device::flex()).expect("valid")
}

#[test]
fn a_saved_network_loads_with_the_same_logits_and_bytes() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("made/when/missing");
    let model = network(&with_memory(), 3);
    save(&model, &place).expect("saved");
    let loaded = load(&place, &Device::flex()).expect("loaded");
    assert_eq!(loaded.config(), model.config());
    let input = tokens(&with_memory(), 2, 20, &Device::flex());
    let run = |m: &OptimisedCompressiveTransformer| m.forward(&input, State::new()).0;
    assert_eq!(difference(run(&model), run(&loaded)), 0.0);
    let first = std::fs::read(place.join("model.safetensors")).expect("weights");
    save(&loaded, &place).expect("saved over");
    assert_eq!(first, std::fs::read(place.join("model.safetensors")).expect("weights"));
    let names: Vec<_> = std::fs::read_dir(&place).expect("a directory").collect();
    assert_eq!(names.len(), 2, "no temporary files left");
}

#[test]
fn names_are_dotted_paths() {
    let names: Vec<String> = weights(&network(&with_memory(), 3)).into_keys().collect();
    for name in [
        "embed.tables",
        "layers.0.attn.qkv.weight",
        "layers.1.attn.memory.manager.eviction.depthwise",
        "layers.1.ff.down.weight",
        "ln_f.scale",
        "head.weight",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
    }
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let config = with_memory();
    let mismatch = |change: &dyn Fn(&mut std::collections::BTreeMap<String, TensorData>)| {
        let mut given = weights(&network(&config, 3));
        change(&mut given);
        match apply_weights(network(&config, 4), given) {
            Err(ModelError::Weights(mismatch)) => mismatch,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        mismatch(&|w| drop(w.remove("ln_f.scale"))),
        WeightsMismatch::Missing("ln_f.scale".into())
    );
    assert_eq!(
        mismatch(&|w| drop(w.insert("more".into(), TensorData::new(vec![1f32], [1])))),
        WeightsMismatch::Unexpected("more".into())
    );
    assert_eq!(
        mismatch(&|w| drop(w.insert("ln_f.scale".into(), TensorData::new(vec![1f32; 7], [7])))),
        WeightsMismatch::Shape { name: "ln_f.scale".into(), found: vec![7], expected: vec![8] }
    );
    assert!(matches!(
        mismatch(&|w| drop(w.insert("ln_f.scale".into(), TensorData::new(vec![1i64; 8], [8])))),
        WeightsMismatch::Kind { .. }
    ));
}

#[test]
fn damaged_files_are_errors() {
    let model = network(&with_memory(), 3);
    let bytes = to_safetensors(&weights(&model)).expect("bytes");
    assert_eq!(from_safetensors(&bytes).expect("weights"), weights(&model));
    for cut in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        assert!(from_safetensors(&bytes[..cut]).is_err(), "{cut}");
    }
    let directory = tempfile::tempdir().expect("a directory");
    assert!(matches!(load(directory.path(), &Device::flex()), Err(ModelError::Io { .. })));
    save(&model, directory.path()).expect("saved");
    std::fs::write(directory.path().join("model.json"), "{\"vocab\": 3}").expect("written");
    assert!(matches!(load(directory.path(), &Device::flex()), Err(ModelError::Format { .. })));
}

/// A description may declare any size; nothing of it is built before there are weights for it.
#[test]
fn sizes_without_weights_are_refused_before_anything_is_built() {
    let directory = tempfile::tempdir().expect("a directory");
    save(&network(&with_memory(), 3), directory.path()).expect("saved");
    let path = directory.path().join("model.json");
    let text = std::fs::read_to_string(&path).expect("a description");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for (key, value) in [
        ("d_model", 1u64 << 20),
        ("d_model", 1 << 14),
        ("n_layers", 1 << 20),
        ("n_layers", 1 << 8),
        ("d_ff", u64::from(u32::MAX)),
        ("d_ff", 1 << 16),
        ("vocab", 1 << 16),
    ] {
        let mut changed = json.clone();
        changed[key] = value.into();
        std::fs::write(&path, changed.to_string()).expect("written");
        let error = load(directory.path(), &Device::flex()).expect_err("refused").to_string();
        let early = ["a network of ", "larger than"].iter().any(|w| error.contains(w));
        assert!(early, "{key} = {value}: {error}");
    }
}
