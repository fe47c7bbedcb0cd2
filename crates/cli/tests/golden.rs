//! The golden files: what every version must read, and what it must refuse. `tests/golden/README.md` says what they are.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::Folder;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}

/// A line of the manifest.
struct Line {
    file: String,
    code: i32,
    content: String,
    model: String,
    blake3: String,
}

fn manifest() -> Vec<Line> {
    let text = std::fs::read_to_string(folder().join("MANIFEST.tsv")).unwrap();
    let lines = text.lines().skip(1).map(|line| {
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let [file, code, content, model, blake3, _recipe] = <[String; 6]>::try_from(cells).unwrap();
        Line { file, code: code.parse().unwrap(), content, model, blake3 }
    });
    lines.collect()
}

fn hash(bytes: &[u8]) -> String {
    vxc::ModelId::of(bytes).to_string()
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
        let bytes = std::fs::read(folder().join(&line.file)).unwrap();
        assert_eq!(hash(&bytes), line.blake3, "{} has changed", line.file);
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
            done.bad(line.code, &[]);
            assert!(f.names().is_empty(), "{}: something was written", line.file);
            refused += 1;
        }
    }
    println!("{good} files decode, {refused} are refused");
    assert!(good >= 30 && refused >= 25);
}

/// Files of a later version are told from damage.
#[test]
fn unsupported_ones_say_so() {
    let f = Folder::new();
    for line in manifest().iter().filter(|l| l.file.starts_with("unsupported-")) {
        let path = folder().join(&line.file);
        let name = path.to_str().unwrap();
        let done = match path.extension().unwrap().to_str().unwrap() {
            "vxm" => f.run(&["-c", "--model", name, name]),
            "vxw" => f.run(&["decompress-weights", name, "-o", "out"]),
            _ => f.run(&["-t", name]),
        };
        let said = ["version", "unsupported"];
        assert!(said.iter().any(|word| done.err.contains(word)), "{}: {}", line.file, done.err);
    }
}
