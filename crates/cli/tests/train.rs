//! The program with training: from a table to an archive that a network of its own makes smaller to code.
#![cfg(feature = "train")]

#[path = "all/common.rs"]
mod common;

use std::path::Path;

use common::Folder;

const SHORT: [&str; 10] = [
    "--no-compare",
    "--set",
    "warmup=2",
    "--set",
    "eval_every=4",
    "--set",
    "checkpoint_every=4",
    "--set",
    "eval_records=256",
    "--batch-size=64",
];

fn sample() -> (Vec<u8>, Vec<u8>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let bytes = std::fs::read(folder.join("ftag_jets.bin")).unwrap();
    let meta = std::fs::read(folder.join("ftag_jets.meta.json")).unwrap();
    (bytes[..124 * 3000].to_vec(), meta)
}

fn config() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/cpu.yaml");
    path.to_string_lossy().into_owned()
}

fn train(f: &Folder, more: &[&str]) -> common::Outcome {
    let config = config();
    let mut args = vec!["train", "--config", &config];
    args.extend(more);
    args.extend(SHORT);
    f.run(&args)
}

#[test]
fn from_a_table_to_an_archive() {
    let f = Folder::new();
    let (bytes, meta) = sample();
    f.write("t.bin", &bytes);
    f.write("t.meta.json", &meta);
    f.write("test.bin", &bytes[..124 * 100]);
    let run = train(&f, &["t.bin", "-o", "run", "--steps", "8", "--test", "test.bin"]).good();
    assert!(
        run.text().contains("validation: ") && run.text().contains("test file: "),
        "{}",
        run.text()
    );
    // A run is not overwritten, and goes on only as what it was.
    assert_eq!(train(&f, &["t.bin", "-o", "run", "--steps", "8"]).code, Some(2));
    f.run(&["train", "-o", "run", "--resume", "--no-compare"]).good();
    std::fs::rename(f.path("t.bin"), f.path("moved.bin")).unwrap();
    f.run(&["train", "moved.bin", "-o", "run", "--resume", "--no-compare"]).good();
    let text = String::from_utf8(f.read("run/config.yaml")).unwrap();
    f.write("run/config.yaml", text.replace("batch_size: 64", "batch_size: 32").as_bytes());
    let changed = f.run(&["train", "moved.bin", "-o", "run", "--resume", "--no-compare"]);
    assert!(changed.code == Some(2) && changed.err.contains("config.yaml"), "{}", changed.err);
    // A run may go on for longer.
    f.write("run/config.yaml", text.replace("max_steps: 8", "max_steps: 10").as_bytes());
    let longer = f.run(&["train", "moved.bin", "-o", "run", "--resume", "--no-compare"]).good();
    assert!(longer.text().contains("10 steps"), "{}", longer.text());

    f.run(&["export", "run", "moved.bin", "-o", "net.vxm"]).good();
    for level in ["-7", "-8"] {
        f.run(&["compress", level, "--model", "net.vxm", "test.bin", "-f", "-o", "a.vxc"]).good();
        f.run(&["decompress", "--model", "net.vxm", "a.vxc", "-f", "-o", "back"]).good();
        assert!(f.read("back") == f.read("test.bin"), "{level}");
    }
    assert_eq!(f.run(&["decompress", "a.vxc", "-o", "none"]).code, Some(3));
}

#[test]
fn arrays_of_hdf5_are_read_as_records() {
    let f = Folder::new();
    let (bytes, meta) = sample();
    f.write("t.bin", &bytes);
    f.write("t.meta.json", &meta);
    f.run(&["data", "rebuild", "t.bin", "-o", "t.h5"]).good();
    let one = train(&f, &["t.bin", "-o", "one", "--steps", "4"]).good();
    let two = train(&f, &["t.h5", "-o", "two", "--steps", "4"]).good();
    let line = |o: &common::Outcome| o.text().lines().next().unwrap().to_owned();
    assert_eq!(line(&one), line(&two));
    let three = train(&f, &["t.h5", "--array", "none", "-o", "three", "--steps", "4"]);
    assert!(three.code == Some(2) && three.err.contains("no array none"), "{}", three.err);
}

#[test]
fn what_cannot_be_trained_on_is_told_before() {
    let f = Folder::new();
    let (bytes, meta) = sample();
    f.write("t.bin", &bytes);
    f.write("t.meta.json", &meta);
    f.write(
        "text.hepmc",
        &b"HepMC::Version 3\nE 1 2 3\nP 1 0 21 0.5 1.5 -2.5 3 0 4\n".repeat(3000),
    );
    f.write("short.bin", &bytes[..100]);
    for (more, word) in [
        (&["t.bin", "text.hepmc", "-o", "run"][..], "text.hepmc"),
        (&["t.bin", "--test", "text.hepmc", "-o", "run"], "text.hepmc"),
        (&["t.bin", "--test", "short.bin", "-o", "run"], "short.bin"),
        (&["text.hepmc", "-o", "run", "--set", "symbols=bytes"], "preset: memory"),
        (&["t.bin", "-o", "run", "--set", "preset=memory", "--set", "sequence=128"], "sequence"),
        (&["absent.bin", "-o", "run"], "absent.bin"),
    ] {
        let run = train(&f, &[more, &["--steps", "2"]].concat());
        assert!(run.code == Some(2) && run.err.contains(word), "{more:?}: {}", run.err);
        assert!(!f.has("run"), "{more:?}");
    }
    let again = train(&f, &["t.bin", "--test", "t.bin", "-o", "run", "--steps", "2"]).good();
    assert!(again.err.contains("no test"), "{}", again.err);
}
