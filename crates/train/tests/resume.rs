//! A run that is interrupted and resumed equals one that is not, byte for byte; so does a run that is repeated.

mod common;

use std::path::Path;

use serde_json::Value;
use vxc_train::run::{Request, train};

/// Weights, moments and state of the newest checkpoint, the best network, and the log without the clock.
fn outcome(folder: &Path, steps: u64) -> (Vec<Vec<u8>>, Vec<Value>) {
    let newest = folder.join("checkpoints").join(format!("step-{steps:08}"));
    let files = [
        newest.join("model.safetensors"),
        newest.join("optimiser.safetensors"),
        newest.join("state.json"),
        folder.join("best/model.safetensors"),
    ];
    let log = std::fs::read_to_string(folder.join("log.jsonl")).unwrap();
    let lines = log.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let fields = line.as_object_mut().unwrap();
        for clock in ["seconds", "tokens_per_second", "memory_bytes"] {
            fields.remove(clock);
        }
        line
    });
    (files.iter().map(|f| std::fs::read(f).unwrap()).collect(), lines.collect())
}

fn interrupted_equals_uninterrupted(set: &[&str]) {
    let [one, two, three] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    train(&common::request(one.path(), 20, set)).unwrap();
    // Interrupted two steps after a checkpoint: their work is lost and done again.
    let first = Request { until: Some(12), ..common::request(two.path(), 20, set) };
    assert_eq!(train(&first).unwrap().steps, 12);
    let again = Request { resume: true, until: None, ..first };
    assert_eq!(train(&again).unwrap().steps, 20);
    train(&common::request(three.path(), 20, set)).unwrap();
    let (files, log) = outcome(one.path(), 20);
    assert_eq!(outcome(three.path(), 20), (files.clone(), log.clone()), "repeated");
    assert_eq!(outcome(two.path(), 20), (files, log), "resumed");
}

#[test]
fn records_in_random_order() {
    interrupted_equals_uninterrupted(&[]);
}

#[test]
fn lanes_with_memory_and_accumulation() {
    interrupted_equals_uninterrupted(&["preset=memory", "accumulate=2", "batch_size=4"]);
}

#[test]
fn a_run_is_neither_overwritten_nor_resumed_with_other_data() {
    let folder = tempfile::tempdir().unwrap();
    let request = common::request(folder.path(), 5, &[]);
    train(&request).unwrap();
    let error = train(&request).unwrap_err().to_string();
    assert!(error.contains("--resume"), "{error}");
    let mut other = request.files[0].clone();
    other[0] ^= 1;
    let error = train(&Request { resume: true, files: vec![other], ..request.clone() })
        .unwrap_err()
        .to_string();
    assert!(error.contains("other data"), "{error}");
    let empty = tempfile::tempdir().unwrap();
    let nothing = Request { resume: true, folder: empty.path().to_owned(), ..request };
    assert!(train(&nothing).unwrap_err().to_string().contains("holds no run"));
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let request = common::request(folder.path(), 10, &[]);
    train(&request).unwrap();
    let newest = folder.path().join("checkpoints/step-00000010");
    std::fs::write(newest.join("model.safetensors"), b"").unwrap();
    let report = train(&Request { resume: true, ..request }).unwrap();
    assert_eq!(report.steps, 10);
    assert!(std::fs::metadata(newest.join("model.safetensors")).unwrap().len() > 0);
}
