//! Runs that start from a network instead of random weights.

mod common;

use std::path::Path;

use vxc_train::TrainError;
use vxc_train::run::{Request, train};

fn starting_from(from: &Path, folder: &Path, steps: u64, set: &[&str]) -> Request {
    let mut request = common::request(folder, steps, set);
    request.config.model.start = Some(from.to_owned());
    request
}

#[test]
fn a_run_goes_on_from_the_best_network_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first");
    let before = train(&common::request(&first, 60, &[])).unwrap().validation;
    let second = folder.path().join("second");
    // Rates that change nothing.
    let still = ["lr=1e-12", "min_lr=1e-12", "d_model=32"];
    let after = train(&starting_from(&first.join("best"), &second, 1, &still)).unwrap();
    assert!((after.validation.bits_per_byte() - before.bits_per_byte()).abs() < 1e-6);
}

#[test]
fn a_published_checkpoint_is_a_start_for_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let published =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/parity/fixtures/checkpoint.pt");
    let set = ["preset=memory", "symbols=bytes", "batch_size=4", "eval_every=40"];
    let run = |name: &str, steps| {
        train(&starting_from(&published, &folder.path().join(name), steps, &set))
            .unwrap()
            .validation
    };
    let (first, last) = (run("one", 1), run("more", 40));
    assert!(last.bits_per_byte() < first.bits_per_byte(), "{first:?} {last:?}");
}

#[test]
fn a_network_that_cannot_read_the_data_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first");
    train(&common::request(&first, 1, &[])).unwrap();
    let second = folder.path().join("second");
    let set = ["symbols=bytes"];
    let error = train(&starting_from(&first.join("best"), &second, 1, &set)).unwrap_err();
    assert!(matches!(&error, TrainError::Config(why) if why.contains("the network")), "{error}");
    assert!(train(&starting_from(Path::new("absent"), &second, 1, &[])).is_err());
    assert!(!second.exists());
}
