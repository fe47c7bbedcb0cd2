//! ROOT files through the program: opened, made again, listed, tested, damaged.

mod common;

use common::Folder;
use std::fs;
use std::path::{Path, PathBuf};

const FIXTURES: [&str; 7] = ["blocks", "lz4", "lzma", "ntuple", "stored", "zlib", "zstd"];

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/fixtures/root");
    fs::read(folder.join(name).with_extension("root")).unwrap()
}

#[test]
fn every_fixture_comes_back() {
    let folder = Folder::new();
    for name in FIXTURES {
        let (root, archive) = (format!("{name}.root"), format!("{name}.root.vxc"));
        folder.write(&root, &fixture(name));
        let run = folder.run(&["compress", "-1", &root]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        assert_eq!(folder.run(&["test", &archive]).code, Some(0));
        let back = folder.run(&["decompress", "-o", "back", "-f", &archive]);
        assert_eq!(back.code, Some(0), "{}", back.err);
        assert!(folder.read("back") == fixture(name), "{name}");
    }
}

#[test]
fn the_program_says_what_it_did() {
    let folder = Folder::new();
    folder.write("zlib.root", &fixture("zlib"));
    // To a pipe, where the other way is not tried after it.
    let run = folder.run(&["compress", "-v", "-c", "zlib.root"]);
    assert!(run.err.contains("unpacked ROOT: 3 of 3 blocks re-made"), "{}", run.err);
    folder.write("zlib.root.vxc", &run.out);
    let list = folder.run(&["list", "zlib.root.vxc"]);
    let text = String::from_utf8(list.out).unwrap();
    assert!(text.contains("ROOT") && text.contains("55855"), "{text}");
    let json = String::from_utf8(folder.run(&["list", "--json", "zlib.root.vxc"]).out).unwrap();
    assert!(json.contains("\"original_bytes\": 55855"), "{json}");

    let plain = folder.run(&["compress", "--no-unpack", "-o", "plain.vxc", "zlib.root"]);
    assert!(!plain.err.contains("unpacked"), "{}", plain.err);
    assert_eq!(folder.run(&["decompress", "-o", "plain", "plain.vxc"]).code, Some(0));
    assert!(folder.read("plain") == fixture("zlib"));
}

#[test]
fn archives_one_after_the_other() {
    let folder = Folder::new();
    folder.write("a.root", &fixture("zlib"));
    folder.write("b.txt", b"some words between");
    for file in ["a.root", "b.txt"] {
        assert_eq!(folder.run(&["compress", "-1", file]).code, Some(0));
    }
    let (a, b) = (folder.read("a.root.vxc"), folder.read("b.txt.vxc"));
    folder.write("all.vxc", &[&a[..], &b, &a].concat());
    assert_eq!(folder.run(&["decompress", "all.vxc"]).code, Some(0));
    let wanted = [&fixture("zlib")[..], b"some words between", &fixture("zlib")].concat();
    assert!(folder.read("all") == wanted);
}

#[test]
fn what_is_damaged_or_too_large_is_refused() {
    let folder = Folder::new();
    folder.write("a.root", &fixture("lz4"));
    assert_eq!(folder.run(&["compress", "-1", "a.root"]).code, Some(0));
    let whole = folder.read("a.root.vxc");
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        folder.write("damaged.vxc", &damaged);
        let run = folder.run(&["decompress", "damaged.vxc"]);
        assert_eq!(run.code, Some(1), "byte {at}: {}", run.err);
        assert!(!folder.has("damaged"));
    }
    let run = folder.run(&["decompress", "--max-output", "50K", "-o", "x", "a.root.vxc"]);
    assert_eq!(run.code, Some(4), "{}", run.err);
}

/// At the fastest level: that files come back is the point here.
#[test]
fn originals_come_back() {
    let data = std::env::var_os("VXC_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let Ok(entries) = fs::read_dir(data.join("originals")) else {
        eprintln!("skipped: no shared data in {}", data.display());
        return;
    };
    let folder = Folder::new();
    for path in
        entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "root"))
    {
        let file = fs::read(&path).unwrap();
        folder.write("x.root", &file);
        let run = folder.run(&["compress", "-1", "-f", "--verify", "none", "x.root"]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        eprintln!("{}: {}", path.display(), run.err);
        assert_eq!(folder.run(&["decompress", "-f", "-o", "back", "x.root.vxc"]).code, Some(0));
        assert!(folder.read("back") == file, "{}", path.display());
    }
}
