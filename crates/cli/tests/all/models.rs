//! Model files: fitted, used, missing, wrong, embedded.

use crate::common::{Folder, TABLE_LAYOUT, table, text};

/// A folder with a model of the table and a file that it fits.
fn fitted() -> (Folder, String, Vec<u8>) {
    let f = Folder::new();
    let all = table(6000);
    let (train, test) = all.split_at(4000 * 24);
    f.write("train.bin", train);
    f.write("train.meta.json", TABLE_LAYOUT.as_bytes());
    f.write("test.bin", test);
    let said = f.run(&["fit", "train.bin", "-o", "m.vxm"]).good().err;
    let id = said.trim().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(id.len(), 64, "{said}");
    (f, id, test.to_vec())
}

#[test]
fn a_model_helps_and_is_needed() {
    let (f, id, test) = fitted();
    f.run(&["test.bin", "-o", "alone.vxc"]).good();
    for level in ["-2", "-5"] {
        f.run(&[level, "--model", "m.vxm", "-f", "test.bin"]).good();
        let back = f.run(&["-dc", "--model", "m.vxm", "test.bin.vxc"]).good();
        assert_eq!(back.out, test);
        f.run(&["-t", "test.bin.vxc"]).bad(3, &["test.bin.vxc", &id, "--model"]);
        f.run(&["-d", "test.bin.vxc", "-o", "out"]).bad(3, &[&id]);
        assert!(!f.has("out"));
    }
    assert!(f.read("test.bin.vxc").len() < f.read("alone.vxc").len());
    // What can be said without the model is said.
    assert!(f.run(&["-l", "test.bin.vxc"]).good().text().contains("test.bin.vxc"));
    let json = f.run(&["list", "--json", "test.bin.vxc"]).good();
    let json: serde_json::Value = serde_json::from_slice(&json.out).unwrap();
    assert_eq!(json[0]["model_missing"], id.as_str());
    // With it, the names that it was fitted with are back.
    let said = f.run(&["inspect", "--model", "m.vxm", "test.bin.vxc"]).good();
    assert!(said.text().lines().any(|l| l.split_whitespace().next() == Some("eta")));
}

#[test]
fn an_embedded_model_cannot_be_lost() {
    let (f, _, test) = fitted();
    f.run(&["--model", "m.vxm", "--embed-model", "test.bin"]).good();
    std::fs::remove_file(f.path("m.vxm")).unwrap();
    assert_eq!(f.run(&["-dc", "test.bin.vxc"]).good().out, test);
}

#[test]
fn a_model_of_other_data_is_refused() {
    let (f, id, _) = fitted();
    f.write("log", &text(3000));
    f.run(&["--model", "m.vxm", "log"]).bad(3, &["log", &id]);
    assert!(!f.has("log.vxc"));
    // Nothing to model: no reason to refuse.
    f.write("tiny", b"abc");
    f.run(&["--model", "m.vxm", "tiny"]).good();
    assert_eq!(f.run(&["-dc", "tiny.vxc"]).good().out, b"abc");
}

#[test]
fn damaged_models_are_refused() {
    let (f, _, _) = fitted();
    let good = f.read("m.vxm");
    for at in (0..good.len()).step_by(good.len() / 12) {
        let mut bad = good.clone();
        bad[at] ^= 4;
        f.write("bad.vxm", &bad);
        f.run(&["--model", "bad.vxm", "test.bin"]).bad(3, &["bad.vxm"]);
        f.write("bad.vxm", &good[..at]);
        f.run(&["--model", "bad.vxm", "test.bin"]).bad(3, &["bad.vxm"]);
    }
    assert!(!f.has("test.bin.vxc"));
}

#[test]
fn fitting_harms_nothing() {
    let (f, _, _) = fitted();
    let before = f.read("m.vxm");
    f.run(&["fit", "train.bin", "-o", "m.vxm"]).bad(2, &["m.vxm exists already"]);
    f.run(&["fit", "-f", "train.bin", "-o", "train.bin"]).bad(2, &["the input itself"]);
    f.run(&["fit", "-f", "train.bin", "missing", "-o", "m.vxm"]).bad(2, &["missing"]);
    assert_eq!(f.read("m.vxm"), before);
    // The same data, the same model.
    f.run(&["fit", "train.bin", "-o", "again.vxm"]).good();
    assert_eq!(f.read("again.vxm"), before);
    f.write("empty", b"");
    f.run(&["fit", "empty", "-o", "none.vxm"]).bad(2, &["training"]);
    assert!(!f.has("none.vxm"));
}
