//! Every experiment from its files to its table, on small stand-ins; and splits.

use std::path::Path;

use crate::common::Folder;

fn root(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path).to_string_lossy().into_owned()
}

#[test]
fn every_experiment_runs() {
    for (name, input) in [
        ("atlas", "crates/data/tests/fixtures/hdf5/ftag.h5"),
        ("camel", "crates/data/tests/fixtures/hdf5/camels.h5"),
        ("hepmc", "samples/py8_ttbar.hepmc"),
        ("cms", "crates/data/tests/fixtures/root/zlib.root"),
        ("cms_lg", "crates/data/tests/fixtures/root/zlib.root"),
        ("alice", "crates/data/tests/fixtures/root/lzma.root"),
    ] {
        let f = Folder::new();
        let folder = root(&format!("experiments/{name}_experiment"));
        // The stand-ins have their own names of arrays.
        let config = std::fs::read_to_string(Path::new(&folder).join("config.yaml")).unwrap();
        let config = config
            .replace("array: Events", "array: dir/sub/events")
            .replace("by: eventNumber", "by: f3");
        std::fs::create_dir(f.path("experiment")).unwrap();
        f.write("experiment/config.yaml", config.as_bytes());
        let input = root(input);
        let args = ["experiment", "experiment", "--input", &input, "-o", "out", "--no-train"];
        let run = f.run(&args).good();
        let table = run.text();
        assert!(
            table.contains("as published, -5") && table.contains("test part, -5 with a model"),
            "{table}"
        );
        let rows: serde_json::Value = serde_json::from_slice(&f.read("out/results.json")).unwrap();
        assert!(rows.as_array().unwrap().len() >= 4);
        assert!(rows.as_array().unwrap().iter().all(|row| row["bytes"].as_u64().unwrap() > 0));
        // Every command was told, and the parts are the whole.
        assert!(run.err.contains("$ vxc data split "), "{}", run.err);
        let dry = f.run(&["experiment", "experiment", "-o", "dry", "--dry-run"]).good();
        assert!(dry.err.contains("$ vxc data download ") && !f.has("dry"), "{}", dry.err);
    }
}

#[test]
fn wrong_configurations_are_told() {
    let f = Folder::new();
    std::fs::create_dir(f.path("e")).unwrap();
    assert_eq!(f.run(&["experiment", "e", "-o", "out"]).code, Some(2));
    f.write("e/config.yaml", b"name: x\nlevel: 5\n");
    let run = f.run(&["experiment", "e", "-o", "out"]);
    assert!(run.code == Some(2) && run.err.contains("level"), "{}", run.err);
    assert!(!f.has("out"));
}

/// Records of an event number and a value.
fn table(events: &[u32]) -> Vec<u8> {
    let rows = events.iter().zip(0u32..);
    rows.flat_map(|(event, i)| [event.to_le_bytes(), i.to_le_bytes()].concat()).collect()
}

#[test]
fn splits_are_between_records_and_events() {
    let f = Folder::new();
    let bytes = table(&[1, 1, 2, 2, 2, 3, 3, 3, 4, 5]);
    f.write("t.bin", &bytes);
    f.write("t.meta.json", br#"{"dtype": [["event", "<u4"], ["value", "<u4"]]}"#);
    f.run(&["data", "split", "t.bin", "-o", "a", "--parts", "x=0.35,y=0.65"]).good();
    assert_eq!([f.read("a/x.bin"), f.read("a/y.bin")].concat(), bytes);
    assert_eq!(f.read("a/x.bin").len(), 4 * 8);
    assert!(f.has("a/x.meta.json"));
    f.run(&["data", "split", "t.bin", "-o", "b", "--by", "event", "--parts", "x=0.35,y=0.65"])
        .good();
    assert_eq!([f.read("b/x.bin"), f.read("b/y.bin")].concat(), bytes);
    assert_eq!(f.read("b/x.bin").len(), 5 * 8);
    // Of two files, one after the other.
    f.run(&["data", "split", "t.bin", "t.bin", "-o", "c", "--parts", "x=0.7,y=0.3"]).good();
    assert_eq!([f.read("c/x.bin"), f.read("c/y.bin")].concat(), [&bytes[..], &bytes].concat());
    assert_eq!(f.read("c/x.bin").len(), 14 * 8);
    for wrong in ["x", "x=0", "x=1,x=2", "x=nan", "../x=1", ""] {
        assert_eq!(
            f.run(&["data", "split", "t.bin", "-o", "d", "--parts", wrong]).code,
            Some(2),
            "{wrong}"
        );
    }
    assert_eq!(f.run(&["data", "split", "t.bin", "-o", "d", "--by", "none"]).code, Some(2));
    assert_eq!(f.run(&["data", "split", "t.bin", "-o", "d", "--record", "7"]).code, Some(2));
    assert_eq!(f.run(&["data", "split", "t.bin", "-o", "a"]).code, Some(0));
    assert_eq!(f.run(&["data", "split", "t.bin", "-o", "a"]).code, Some(2));
}

#[test]
fn texts_are_split_before_events() {
    let f = Folder::new();
    let mut text = b"HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n".to_vec();
    for i in 0..50 {
        text.extend(format!("E {i} 1 2\nU GEV MM\nP 1 0 21 0 0 {i}.5 E 3\n").bytes());
    }
    f.write("x.hepmc", &text);
    f.run(&["data", "split", "x.hepmc", "-o", "s"]).good();
    let parts = ["train", "validation", "test"].map(|n| f.read(format!("s/{n}.hepmc")));
    assert_eq!(parts.concat(), text);
    assert!(parts[1].starts_with(b"E ") && parts[2].starts_with(b"E "));
    assert!(parts[0].len() > text.len() * 7 / 10 && parts[2].len() > text.len() / 20);
    // Two files whose border is in the middle of a part, and lines without events.
    f.write("l.txt", b"one\ntwo\nthree\nfour\n");
    f.run(&["data", "split", "l.txt", "l.txt", "-o", "l", "--parts", "a=1,b=1"]).good();
    assert_eq!(f.read("l/a.txt"), f.read("l.txt"));
    assert_eq!(f.read("l/b.txt"), f.read("l.txt"));
}
