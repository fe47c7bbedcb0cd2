//! ROOT, HDF5 and gzip files through the program: opened, made again, listed, tested, damaged.

use crate::common::Folder;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const FIXTURES: [&str; 7] = ["blocks", "lz4", "lzma", "ntuple", "stored", "zlib", "zstd"];

const HDF5: [&str; 9] = [
    "camels",
    "filters",
    "filters_latest",
    "ftag",
    "indexes",
    "mixed",
    "mixed_latest",
    "types",
    "types_latest",
];

fn read_fixture(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/fixtures").join(path))
        .unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    read_fixture(&format!("root/{name}.root"))
}

fn hdf5(name: &str) -> Vec<u8> {
    read_fixture(&format!("hdf5/{name}.h5"))
}

#[test]
fn every_fixture_comes_back() {
    let folder = Folder::new();
    let root = FIXTURES.map(|name| (format!("{name}.root"), fixture(name)));
    let hdf5 = HDF5.map(|name| (format!("{name}.h5"), hdf5(name)));
    for (name, file) in root.into_iter().chain(hdf5) {
        let archive = format!("{name}.vxc");
        folder.write(&name, &file);
        let run = folder.run(&["compress", "-1", &name]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        assert_eq!(folder.run(&["test", &archive]).code, Some(0));
        let back = folder.run(&["decompress", "-o", "back", "-f", &archive]);
        assert_eq!(back.code, Some(0), "{}", back.err);
        assert!(folder.read("back") == file, "{name}");
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
fn hdf5_is_opened() {
    let folder = Folder::new();
    folder.write("ftag.h5", &hdf5("ftag"));
    let run = folder.run(&["compress", "-v", "-c", "ftag.h5"]);
    assert!(run.err.contains("unpacked HDF5: 4 of 4 blocks re-made"), "{}", run.err);
    folder.write("ftag.h5.vxc", &run.out);
    let list = String::from_utf8(folder.run(&["list", "ftag.h5.vxc"]).out).unwrap();
    assert!(list.contains("HDF5"), "{list}");
    assert!(folder.run(&["decompress", "-c", "ftag.h5.vxc"]).out == hdf5("ftag"));
    // From a pipe it is bytes like any others.
    let piped = folder.pipe(&["compress", "-c"], &hdf5("ftag"));
    assert!(!piped.err.contains("unpacked"), "{}", piped.err);
    folder.write("piped.vxc", &piped.out);
    assert!(folder.run(&["decompress", "-c", "piped.vxc"]).out == hdf5("ftag"));
}

fn gzip(content: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_is_opened() {
    let folder = Folder::new();
    let text = crate::common::text(4000);
    let two = [gzip(&text, 6), gzip(&text[..9000], 9)].concat();
    let gnu = read_fixture("../../../remake/tests/fixtures/gnu.gz");
    for (file, members) in [(gzip(&text, 1), 1), (two, 2), (gnu, 3)] {
        folder.write("x.gz", &file);
        let run = folder.run(&["compress", "-v", "-c", "x.gz"]);
        let wanted = format!("unpacked gzip: {members} of {members} blocks re-made");
        assert!(run.err.contains(&wanted), "{}", run.err);
        folder.write("x.gz.vxc", &run.out);
        assert!(run.out.len() < file.len() * 3 / 4, "{} of {}", run.out.len(), file.len());
        let list = String::from_utf8(folder.run(&["list", "x.gz.vxc"]).out).unwrap();
        assert!(list.contains("gzip"), "{list}");
        assert_eq!(folder.run(&["test", "x.gz.vxc"]).code, Some(0));
        assert!(folder.run(&["decompress", "-c", "x.gz.vxc"]).out == file);
    }
    let whole = gzip(&text, 6);
    for odd in [&whole[..whole.len() / 2], &whole[..20], &whole[..3], &gzip(b"", 6)] {
        folder.write("odd.gz", odd);
        let run = folder.run(&["compress", "-f", "odd.gz"]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        assert!(folder.run(&["decompress", "-c", "odd.gz.vxc"]).out == odd);
    }
}

/// Whatever is damaged in a file, it comes back as it was.
#[test]
fn damaged_hdf5_files_come_back() {
    let folder = Folder::new();
    let whole = hdf5("filters");
    for at in (0..whole.len()).step_by(whole.len() / 30) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x21;
        let damaged = if at % 3 == 0 { &damaged[..whole.len() - at / 2] } else { &damaged };
        folder.write("damaged.h5", damaged);
        let run = folder.run(&["compress", "-1", "-f", "damaged.h5"]);
        assert_eq!(run.code, Some(0), "byte {at}: {}", run.err);
        let back = folder.run(&["decompress", "-f", "-o", "back", "damaged.h5.vxc"]);
        assert_eq!(back.code, Some(0), "byte {at}: {}", back.err);
        assert!(folder.read("back") == damaged, "byte {at}");
    }
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

#[test]
fn rebuilt_hdf5_is_the_same_content_in_a_new_file() {
    let folder = Folder::new();
    folder.write("whole.h5", &hdf5("whole"));
    let run = folder.run(&["compress", "--rebuild", "whole.h5"]).good();
    assert!(run.err.contains("rebuilt"), "{}", run.err);
    folder.run(&["decompress", "-o", "back.h5", "whole.h5.vxc"]).good();
    assert!(folder.read("back.h5") != folder.read("whole.h5"));
    let compared = folder.run(&["data", "compare", "whole.h5", "back.h5"]).good();
    assert!(compared.text().contains(" 0 differ"), "{}", compared.text());
    assert!(folder.run(&["list", "whole.h5.vxc"]).good().text().contains("HDF5"));
    // What cannot be carried over keeps its bytes, and the reason is said.
    folder.write("mixed.h5", &hdf5("mixed"));
    let kept = folder.run(&["compress", "--rebuild", "mixed.h5"]).good();
    assert!(kept.err.contains("every byte is kept: not supported: virtual"), "{}", kept.err);
    folder.run(&["decompress", "-o", "kept.h5", "mixed.h5.vxc"]).good();
    assert!(folder.read("kept.h5") == hdf5("mixed"));
    let names = folder.names();
    assert!(!names.iter().any(|name| name.starts_with('.')), "{names:?}");
}

#[test]
fn rebuilt_root_is_its_columns_as_hdf5() {
    let folder = Folder::new();
    folder.write("events.root", &fixture("zlib"));
    let run = folder.run(&["compress", "--rebuild", "events.root"]).good();
    assert!(run.err.contains("the ROOT file is not kept"), "{}", run.err);
    let whole = folder.run(&["compress", "events.root"]).good();
    assert!(folder.read("events.h5.vxc").len() < folder.read("events.root.vxc").len(), "{whole:?}");
    folder.run(&["decompress", "-N", "events.h5.vxc"]).good();
    let compared = folder.run(&["data", "compare", "events.root", "events.h5"]).good();
    assert!(compared.text().contains(" 0 differ"), "{}", compared.text());
}

#[test]
fn rebuild_is_refused_where_it_could_lose_something() {
    let folder = Folder::new();
    folder.write("events.root", &fixture("zlib"));
    folder.write("plain", b"no table");
    folder.run(&["compress", "--rebuild", "plain"]).bad(2, &["--rebuild is for HDF5 and ROOT"]);
    assert_eq!(folder.run(&["compress", "--rebuild", "--rm", "events.root"]).code, Some(2));
    assert_eq!(folder.pipe(&["compress", "--rebuild"], &fixture("zlib")).code, Some(2));
    folder.write("events.h5.vxc", b"there");
    folder.run(&["compress", "--rebuild", "events.root"]).bad(2, &["exists already"]);
    let mut damaged = fixture("zlib");
    damaged.truncate(300);
    // Bytes behind the end are no part of an HDF5 file, and are kept.
    let mut longer = hdf5("whole");
    longer.extend(b"a trailer");
    folder.write("longer.h5", &longer);
    let kept = folder.run(&["compress", "--rebuild", "longer.h5"]).good();
    assert!(kept.err.contains("every byte is kept"), "{}", kept.err);
    folder.run(&["decompress", "-f", "longer.h5.vxc"]).good();
    assert!(folder.read("longer.h5") == longer);
    fs::remove_file(folder.path("longer.h5")).unwrap();
    fs::remove_file(folder.path("longer.h5.vxc")).unwrap();
    folder.write("damaged.root", &damaged);
    assert_ne!(folder.run(&["compress", "--rebuild", "damaged.root"]).code, Some(0));
    assert_eq!(folder.names(), ["damaged.root", "events.h5.vxc", "events.root", "plain"]);
}
