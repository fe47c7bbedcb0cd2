//! Training finds what there is to find, and stops when there is nothing more.

mod common;

use burn::tensor::Device;
use vxc_model::OptimisedCompressiveTransformer;
use vxc_train::config::Preset;
use vxc_train::data::bytes;
use vxc_train::evaluate::{Reading, evaluate};
use vxc_train::network;
use vxc_train::run::{Request, describe, train};

#[test]
fn validation_cost_falls_below_that_of_independent_fields() {
    let folder = tempfile::tempdir().unwrap();
    let mut request =
        common::request(folder.path(), 120, &["symbols=bytes", "dropout=0.0", "eval_every=40"]);
    let first = train(&Request { until: Some(1), ..request.clone() }).unwrap().validation;
    request.folder = folder.path().join("whole");
    let report = train(&request).unwrap();
    // At the start the network knows the frequencies of each byte alone. The label gives most of two other fields.
    assert!(
        report.validation.bits_per_byte() < 0.85 * first.bits_per_byte(),
        "{first:?} {report:?}"
    );
}

#[test]
fn early_stopping_ends_a_run_that_gets_no_better() {
    let folder = tempfile::tempdir().unwrap();
    let set = ["patience=2", "eval_every=5", "min_delta=10.0"];
    let report = train(&common::request(folder.path(), 500, &set)).unwrap();
    assert_eq!(report.steps, 15);
    // What has stopped stays stopped.
    let again = Request { resume: true, ..common::request(folder.path(), 500, &set) };
    assert_eq!(train(&again).unwrap().steps, 15);
}

#[test]
fn both_symbol_streams_and_a_test_file_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (test, _) = common::table(200);
    let set = ["symbols=bytes", "test=0.1"];
    let request = Request { test: Some(test.clone()), ..common::request(folder.path(), 3, &set) };
    let report = train(&request).unwrap();
    assert_eq!(report.test.unwrap().bytes, test.len() as u64);
    assert_eq!(report.test_part.unwrap().bytes, 90 * 20);
    assert_eq!(report.validation.offset_bits, 0.0);
}

#[test]
fn sixteen_bit_arithmetic_learns_too() {
    for precision in ["precision=bf16", "precision=f16"] {
        let folder = tempfile::tempdir().unwrap();
        let set = [precision, "symbols=bytes", "dropout=0.0", "eval_every=30"];
        let mut request = common::request(folder.path(), 60, &set);
        let first = train(&Request { until: Some(1), ..request.clone() }).unwrap().validation;
        request.folder = folder.path().join("whole");
        let last = train(&request).unwrap().validation;
        assert!(
            last.bits_per_byte() < 0.95 * first.bits_per_byte(),
            "{precision}: {first:?} {last:?}"
        );
    }
}

#[test]
fn a_dry_run_counts_the_parameters_of_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let request = common::request(&folder.path().join("run"), 1, &[]);
    let said = describe(&request).unwrap();
    let report = train(&request).unwrap();
    assert!(said.contains(&format!("{} parameters", report.parameters)), "{said}");
}

/// What is carried is dropped at a checkpoint; the lanes' places in their records are not.
#[test]
fn checkpoints_do_not_put_lanes_out_of_step() {
    let run = |every: &str| {
        let folder = tempfile::tempdir().unwrap();
        let set = ["preset=memory", "dropout=0.0", "batch_size=4", "eval_every=40", every];
        train(&common::request(folder.path(), 40, &set)).unwrap().validation.bits_per_byte()
    };
    let (often, never) = (run("checkpoint_every=3"), run("checkpoint_every=1000"));
    assert!(often < 1.03 * never, "{often} {never}");
}

#[test]
fn text_is_measured_in_stretches() {
    let corpus = bytes::corpus(&b"E 1 2 3\n".repeat(1000), 1);
    let set = ["preset=memory", "symbols=bytes", "dropout=0.0"];
    let config = common::request(std::path::Path::new(""), 1, &set).config;
    let device = Device::flex();
    let shape = network::config(&config.model, &corpus).unwrap();
    let network = OptimisedCompressiveTransformer::new(&shape, 3, &device).unwrap();
    let read = |most| {
        let reading = Reading { preset: Preset::Memory, lanes: 2, length: 32, threads: 1, most };
        evaluate(&network, &corpus, 0..corpus.records(), &device, &reading).unwrap().bytes
    };
    assert_eq!(read(2), 1024);
    assert_eq!(read(0), 8000);
}
