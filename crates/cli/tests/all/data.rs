//! `vxc data`: what it prints of ROOT, HDF5 and NumPy files, and of what is none.

use std::path::Path;

use crate::common::Folder;

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/fixtures");
    let folder = match name.rsplit_once('.') {
        Some((_, "root")) => folder.join("root"),
        Some((_, "h5")) => folder.join("hdf5"),
        _ => folder.join("npy"),
    };
    folder.join(name).to_string_lossy().into_owned()
}

#[test]
fn columns_as_text() {
    let f = Folder::new();
    let out = f.run(&["data", "columns", &fixture("zstd.root")]).good();
    let text = out.text();
    assert!(text.contains("\ntree dir/sub/events: 120 entries, 16 columns, "), "{text}");
    for words in [["jag", "float32[]", "zstd"], ["a", "float32[3]", "zstd"]] {
        let mut rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let found = rows.any(|row| words.iter().all(|word| row.contains(word)));
        assert!(found, "{words:?} in {text}");
    }
}

#[test]
fn columns_as_json() {
    let f = Folder::new();
    let names = [fixture("ntuple.root"), fixture("lz4.root")];
    let out = f.run(&["data", "columns", "--json", &names[0], &names[1]]).good();
    let json: serde_json::Value = serde_json::from_slice(&out.out).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2);
    let table = &json[0]["tables"][0];
    assert_eq!((&table["form"], &table["path"]), (&"ntuple".into(), &"dir/ntuple".into()));
    let columns = table["columns"].as_array().unwrap();
    let column = columns.iter().find(|column| column["path"] == "nested").unwrap();
    assert_eq!(column["type"], "int16[][]");
    assert_eq!(column["entries"], 120);
    assert!(column["file_bytes"].as_u64().unwrap() > 0);
    assert!(column["refused"].is_null());
    assert_eq!(json[1]["tables"].as_array().unwrap().len(), 2);
}

#[test]
fn arrays() {
    let f = Folder::new();
    let text = f.run(&["data", "columns", &fixture("ftag.h5")]).good().text().to_owned();
    assert!(text.contains("\ndataset tracks: 200 entries, 4 columns, "), "{text}");
    assert!(text.contains("deflate 7"), "{text}");
    let text = f.run(&["data", "columns", &fixture("camels.h5")]).good().text().to_owned();
    assert!(text.contains("float64[3]") && text.contains("shuffle, deflate 4"), "{text}");
    let text = f.run(&["data", "columns", &fixture("types.h5")]).good().text().to_owned();
    assert!(text.contains("dataset refused/vlen: not read: "), "{text}");
    let text = f.run(&["data", "columns", &fixture("packed.npy")]).good().text().to_owned();
    assert!(text.contains("20 entries, 3 columns, 140 bytes of 140"), "{text}");
    let text = f.run(&["data", "columns", &fixture("deflated.npz")]).good().text().to_owned();
    assert!(text.contains("array packed: 20 entries, 3 columns"), "{text}");
}

#[test]
fn what_is_no_such_file() {
    let f = Folder::new();
    f.write("x", b"something else entirely");
    f.run(&["data", "columns", "x"]).bad(1, &["x", "no file of a known format"]);
    f.run(&["data", "columns", "nothing"]).bad(2, &["nothing: no such file"]);
    f.run(&["data"]).bad(2, &[]);
    let whole = std::fs::read(fixture("stored.root")).unwrap();
    f.write("cut.root", &whole[..whole.len() / 2]);
    f.run(&["data", "columns", "cut.root"]).bad(1, &["cut.root", "truncated"]);
}

#[test]
fn what_is_extracted_is_rebuilt() {
    let f = Folder::new();
    for name in ["zlib.root", "ntuple.root", "ftag.h5", "types.h5", "packed.npy", "deflated.npz"] {
        let source = fixture(name);
        f.run(&["data", "extract", &source, "-o", name]).good();
        let out = f.run(&["data", "compare", &source, name]).good();
        let equal = out.text().lines().last().unwrap().to_owned();
        assert!(equal.ends_with("equal, 0 differ") && !equal.starts_with("0 "), "{name}: {equal}");
        for ending in ["npz", "h5"] {
            let copy = format!("{name}.copy.{ending}");
            f.run(&["data", "rebuild", name, "-o", &copy]).good();
            let out = f.run(&["data", "compare", &source, &copy]).good();
            assert_eq!(out.text().lines().last().unwrap(), equal, "{copy}");
        }
        // The same from the file itself.
        let copy = format!("{name}.direct.h5");
        f.run(&["data", "rebuild", &source, "-o", &copy]).good();
        f.run(&["data", "compare", name, &copy]).good();
    }
    // One array of many, and a layout that compression takes from beside it.
    f.run(&["data", "rebuild", "ftag.h5", "--only", "jets", "-o", "jets.npy"]).good();
    f.run(&["data", "compare", "jets.npy", "ftag.h5/jets.bin"]).good();
    let run = f.run(&["compress", "-v", "ftag.h5/jets.bin"]).good();
    assert!(run.err.contains("record 102 B"), "{}", run.err);
    let refused = f.run(&["data", "rebuild", "ftag.h5", "-o", "all.npy"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("--only") && !f.has("all.npy"), "{}", refused.err);
    assert_eq!(f.run(&["data", "extract", &fixture("ftag.h5"), "-o", "ftag.h5"]).code, Some(2));
    assert_eq!(f.run(&["data", "rebuild", "ftag.h5", "-o", "x.txt"]).code, Some(2));
    let none = f.run(&["data", "rebuild", "ftag.h5", "--only", "jet", "-o", "x.h5"]);
    assert!(none.code == Some(2) && none.err.contains("no array jet"), "{}", none.err);
}

#[test]
fn one_bit_is_told() {
    let f = Folder::new();
    f.run(&["data", "extract", &fixture("ftag.h5"), "-o", "a"]).good();
    let mut bytes = f.read("a/jets.bin");
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    f.write("a/jets.bin", &bytes);
    let out = f.run(&["data", "compare", &fixture("ftag.h5"), "a"]);
    assert_eq!(out.code, Some(1));
    assert!(out.text().contains("jets: 1 elements differ, the first at "), "{}", out.text());
    bytes.pop();
    f.write("a/jets.bin", &bytes);
    let out = f.run(&["data", "compare", &fixture("ftag.h5"), "a"]);
    assert!(out.code == Some(1) && out.err.contains("its .meta.json says"), "{}", out.err);
    let other = f.run(&["data", "compare", &fixture("ftag.h5"), &fixture("camels.h5")]);
    assert_eq!(other.code, Some(1));
    assert!(other.text().contains("only in the first"), "{}", other.text());
}

#[test]
fn padded_matrices() {
    let f = Folder::new();
    f.run(&["data", "extract", "--padded", &fixture("zlib.root"), "-o", "p"]).good();
    let meta: serde_json::Value =
        serde_json::from_slice(&f.read("p/dir.sub.events.padded.meta.json")).unwrap();
    assert_eq!(meta["shape"][0], 120);
    let width = meta["shape"][1].as_u64().unwrap();
    assert_eq!(f.read("p/dir.sub.events.padded.bin").len() as u64, 4 * 120 * width);
    assert_eq!(meta["lossy"]["cut"], 0);
    assert!(meta["lossy"]["inexact"].is_u64());
    // The first column that is one float32 is in its place in every row.
    f.run(&["data", "extract", &fixture("zlib.root"), "-o", "e"]).good();
    let events: serde_json::Value =
        serde_json::from_slice(&f.read("e/dir.sub.events.meta.json")).unwrap();
    let find = |meta: &serde_json::Value, name: &str| {
        let fields = meta["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).cloned()
    };
    let floats = events["fields"].as_array().unwrap().iter().filter(|f| f["kind"] == "f32");
    let mut compared = 0;
    for field in floats {
        let Some(padded) = find(&meta, field["name"].as_str().unwrap()) else { continue };
        let (rows, matrix) =
            (f.read("e/dir.sub.events.bin"), f.read("p/dir.sub.events.padded.bin"));
        let (a, b) = (
            field["offset"].as_u64().unwrap() as usize,
            padded["offset"].as_u64().unwrap() as usize,
        );
        let record = events["record_bytes"].as_u64().unwrap() as usize;
        for (row, wide) in rows.chunks(record).zip(matrix.chunks(4 * width as usize)) {
            assert_eq!(row[a..a + 4], wide[b..b + 4]);
            compared += 1;
        }
    }
    assert!(compared >= 120, "{compared}");
    let cut = f
        .run(&["data", "extract", "--padded", "--objects", "1", &fixture("zlib.root"), "-o", "c"])
        .good();
    assert!(!cut.err.contains(" 0 cut"), "{}", cut.err);
    assert_eq!(
        f.run(&["data", "extract", "--padded", &fixture("ftag.h5"), "-o", "h"]).code,
        Some(2)
    );
}

#[test]
fn boxes_are_opened_safely() {
    let f = Folder::new();
    let hepmc = b"HepMC::Version 3.02.05\n".repeat(500);
    f.write("x.hepmc", &hepmc);
    let gz = |from: &str, to: &str| {
        let run = std::process::Command::new("gzip")
            .args(["-k", "-c", from])
            .current_dir(f.path("."))
            .output();
        match run {
            Ok(run) if run.status.success() => f.write(to, &run.stdout),
            _ => panic!("no gzip"),
        }
    };
    gz("x.hepmc", "x.hepmc.gz");
    let run = f.run(&["data", "extract", "x.hepmc.gz", "-o", "out"]).good();
    assert!(run.err.contains("1 files"), "{}", run.err);
    assert!(f.read("out/x.hepmc") == hepmc);
    f.run(&["data", "compare", "x.hepmc", "out/x.hepmc"]).good();
    let bomb = f.run(&["data", "extract", "--max-output", "4K", "x.hepmc.gz", "-o", "bomb"]);
    assert_eq!(bomb.code, Some(4), "{}", bomb.err);
    assert!(!f.has("bomb/x.hepmc"));
    assert_eq!(f.run(&["data", "extract", "x.hepmc", "-o", "none"]).code, Some(1));
}
