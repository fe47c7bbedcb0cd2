//! `vxc data`: what it prints of ROOT, HDF5 and NumPy files, and of what is none.

mod common;

use std::path::Path;

use common::Folder;

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
    let out = f.run(&["data", "columns", &fixture("ftag.h5")]).good();
    let text = out.text();
    assert!(text.contains("\ndataset tracks: 200 entries, 4 columns, "), "{text}");
    assert!(text.contains("deflate 7"), "{text}");
    let out = f.run(&["data", "columns", &fixture("camels.h5")]).good();
    let text = out.text();
    assert!(text.contains("float64[3]") && text.contains("shuffle, deflate 4"), "{text}");
    let out = f.run(&["data", "columns", &fixture("types.h5")]).good();
    let text = out.text();
    assert!(text.contains("dataset refused/vlen: not read: "), "{text}");
    let out = f.run(&["data", "columns", &fixture("packed.npy")]).good();
    let text = out.text();
    assert!(text.contains("20 entries, 3 columns, 140 bytes of 140"), "{text}");
    let out = f.run(&["data", "columns", &fixture("deflated.npz")]).good();
    let text = out.text();
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
