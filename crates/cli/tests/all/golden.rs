//! The golden files: what every version must read, and what it must refuse. `tests/golden/README.md` says what they are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::common::Folder;
use vxc::{Model, ModelId};
use vxc_format::{Block, BlockReader, DecodeLimits, SegmentKind, TokeniserSource};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// A line of the manifest.
struct Line {
    file: String,
    code: i32,
    content: String,
    model: String,
    says: String,
    blake3: String,
}

fn manifest() -> Vec<Line> {
    let text = std::fs::read_to_string(folder().join("MANIFEST.tsv")).unwrap();
    let lines = text.lines().skip(1).map(|line| {
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let [file, code, content, model, says, blake3, _recipe] =
            <[String; 7]>::try_from(cells).unwrap();
        Line { file, code: code.parse().unwrap(), content, model, says, blake3 }
    });
    lines.collect()
}

fn hash(bytes: &[u8]) -> String {
    ModelId::of(bytes).to_string()
}

#[test]
fn every_file_is_listed_and_unchanged() {
    let listed: BTreeSet<String> = manifest().into_iter().map(|line| line.file).collect();
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "MANIFEST.tsv" && name != "README.md")
        .collect();
    assert_eq!(listed, there);
    for line in manifest() {
        assert_eq!(hash(&read(&line.file)), line.blake3, "{} has changed", line.file);
    }
}

#[test]
fn good_ones_decode_and_others_are_refused() {
    let f = Folder::new();
    let (mut good, mut refused) = (0, 0);
    for line in manifest() {
        let path = folder().join(&line.file);
        let name = path.to_str().unwrap();
        let extension = path.extension().unwrap().to_str().unwrap();
        let model = folder().join(&line.model);
        let example = folder().join("good-1-needs-fitted-5.vxc");
        let args: Vec<&str> = match extension {
            "vxw" => vec!["decompress-weights", name, "-f", "-o", "out"],
            // A good one is read by what needs it.
            "vxm" if line.code == 0 => continue,
            "vxm" => vec!["-df", "--model", name, example.to_str().unwrap(), "-o", "out"],
            _ if line.model == "-" => vec!["-df", name, "-o", "out"],
            _ => vec!["-df", "--model", model.to_str().unwrap(), name, "-o", "out"],
        };
        let done = f.run(&args);
        assert_eq!(done.code, Some(line.code), "{}: {}", line.file, done.err);
        if line.code == 0 {
            assert_eq!(hash(&f.read("out")), line.content, "{} gives other bytes", line.file);
            std::fs::remove_file(f.path("out")).unwrap();
            good += 1;
        } else {
            // Names say what is wrong: the message must say it without them.
            let said = done.err.replace(&line.file, "");
            assert!(said.contains(&line.says), "{}: {:?} is not in {said}", line.file, line.says);
            let later = line.file.starts_with("unsupported-");
            assert_eq!(said.contains("unsupported"), later, "{}: {said}", line.file);
            done.bad(line.code, &[]);
            assert!(f.names().is_empty(), "{}: something was written", line.file);
            refused += 1;
        }
    }
    println!("{good} files decode, {refused} are refused");
    // More may be added; none goes.
    assert!(good >= 37 && refused >= 28, "{good} and {refused}");
}

/// Testing tells files of a later version from damage, as decompression does.
#[test]
fn unsupported_ones_say_so() {
    let f = Folder::new();
    let mut tried = 0;
    for line in manifest().iter().filter(|l| l.file.starts_with("unsupported-")) {
        let path = folder().join(&line.file);
        let name = path.to_str().unwrap();
        let done = match path.extension().unwrap().to_str().unwrap() {
            "vxm" => f.run(&["-c", "--model", name, name]),
            "vxw" => f.run(&["decompress-weights", name, "-o", "out"]),
            _ => f.run(&["-t", name]),
        };
        assert_eq!(done.code, Some(line.code), "{}: {}", line.file, done.err);
        // The name says it too.
        let said = done.err.replace(&line.file, "");
        assert!(said.contains("unsupported"), "{}: {said}", line.file);
        tried += 1;
    }
    assert!(tried >= 6, "{tried} files");
}

/// Kinds of the segments of an archive, the model that its streams name, and the model files within it.
fn coding(name: &str) -> (BTreeSet<SegmentKind>, Option<ModelId>, Vec<Vec<u8>>) {
    let archive = read(name);
    let mut reader = BlockReader::new(&archive[..], DecodeLimits::default()).unwrap();
    let (mut kinds, mut named, mut within) = (BTreeSet::new(), None, Vec::new());
    loop {
        match reader.next_block().unwrap() {
            Block::Stream(def) => match def.source {
                TokeniserSource::Model(id) => named = Some(id),
                TokeniserSource::Inline => {}
            },
            Block::Model(model) => within.push(model.bytes),
            Block::Segment(segment) => drop(kinds.insert(segment.header.info.kind)),
            Block::End(_) => return (kinds, named, within),
        }
    }
}

/// What needs a model cannot be read without it, and is coded as its level does it.
#[test]
fn archives_that_need_a_model_need_it() {
    let f = Folder::new();
    let mut tried = 0;
    for line in manifest().iter().filter(|l| l.model != "-") {
        let (name, file) = (&line.file, read(&line.model));
        let level = name.trim_end_matches(".vxc").chars().last();
        let kind = match level.and_then(|c| c.to_digit(10)).unwrap() {
            7..=9 => SegmentKind::Neural,
            4..=6 => SegmentKind::Mix,
            _ => SegmentKind::Static,
        };
        let found = (BTreeSet::from([kind]), Some(ModelId::of(&file)), Vec::new());
        assert_eq!(coding(name), found, "{name}");
        let path = folder().join(name);
        let done = f.run(&["-d", path.to_str().unwrap(), "-o", "out"]);
        done.bad(3, &[&hash(&file)]);
        assert!(f.names().is_empty(), "{name}: something was written");
        tried += 1;
    }
    assert_eq!(tried, 5);
}

/// What brings a model along is coded with it.
#[test]
fn archives_with_models_use_them() {
    for (name, kind) in [
        ("good-1-with-fitted.vxm.vxc", SegmentKind::Mix),
        ("good-1-with-network.vxm.vxc", SegmentKind::Neural),
    ] {
        let (kinds, named, within) = coding(name);
        let [file] = <[Vec<u8>; 1]>::try_from(within).unwrap();
        assert_eq!((kinds, named), (BTreeSet::from([kind]), Some(ModelId::of(&file))), "{name}");
        assert!(read(name).len() > file.len());
        let network = Model::from_bytes(file).unwrap().neural().is_some();
        assert_eq!(network, kind == SegmentKind::Neural, "{name}");
    }
}

/// Each level of weights makes another archive.
#[test]
fn levels_of_weights_differ() {
    let files: BTreeSet<Vec<u8>> =
        (1..=3).map(|level| read(&format!("good-1-weights-{level}.vxw"))).collect();
    assert_eq!(files.len(), 3);
}
