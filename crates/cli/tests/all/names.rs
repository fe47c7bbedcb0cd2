//! Names of fields and tensors, which come from models and checkpoints of others: long ones, and ones that look like something
//! else.

use std::fmt::Write as _;

use vxc_format::{Block, ModelId, NewSegment, RawSummary, SegmentKind, TokeniserSource};

use crate::common::{Folder, TABLE_LAYOUT, peak_of, peaks_are_measured, table};
use crate::memory::{rewritten, with_sections};

/// A folder with a model of the table, `m.vxm`, and an archive by it.
fn fitted() -> Folder {
    let f = Folder::new();
    f.write("x", &table(2000));
    f.write("x.meta.json", TABLE_LAYOUT.as_bytes());
    f.run(&["fit", "x", "-o", "m.vxm"]).good();
    f.run(&["-2", "--model", "m.vxm", "x"]).good();
    f
}

/// The archive with streams of the model under other names, which is in it.
fn named(f: &Folder, names: &[&str; 6], streams: usize) -> Vec<u8> {
    let mut text = String::new();
    names.iter().for_each(|name| writeln!(text, "{name}").unwrap());
    let coded = zstd::bulk::compress(text.as_bytes(), 3).unwrap();
    let stored = if coded.len() < text.len() { &coded } else { text.as_bytes() };
    let none = (0, &[][..]);
    let model = with_sections(&f.read("m.vxm"), [(text.len() as u64, stored), none, none, none]);
    rewritten(&f.read("x.vxc"), |writer, blocks| {
        writer.embed_model(&model).unwrap();
        let Some(Block::Stream(def)) = blocks.iter().find(|b| matches!(b, Block::Stream(_))) else {
            panic!("there is a stream")
        };
        for _ in 0..streams {
            let source = TokeniserSource::Model(ModelId::of(&model));
            writer.define_stream(def.kind, source, &def.payload).unwrap();
        }
        let (kind, raw) = (SegmentKind::Stored, RawSummary::of(b"x"));
        let segment = NewSegment { stream: 0, kind, primed_by: None, raw, coded: b"x" };
        writer.segment(&segment).unwrap();
        writer.content(b"x");
    })
}

/// The relation `p = pt cosh(eta)` in words has the name of pt for {a}, and that of eta for {b}.
#[test]
fn names_in_relations_are_short_and_taken_as_they_are() {
    let f = fitted();
    let (a, b) = ("{b}".repeat(4095 / 3), "b".repeat(4096));
    f.write("good.vxc", &named(&f, &[&a, &b, "phi", "m", "p", "row"], 1));
    let list = f.run(&["-lq", "--json", "good.vxc"]).good();
    let json: serde_json::Value = serde_json::from_slice(&list.out).unwrap();
    let relations = json[0]["streams"][0]["relations"].as_array().unwrap();
    let relation = relations.iter().filter_map(|r| r.as_str()).find(|r| r.contains(&b)).unwrap();
    assert!(relation.contains(&a) && relation.len() < 20_000, "{} bytes", relation.len());
    let inspected = f.run(&["inspect", "good.vxc"]).good();
    assert!(inspected.out.len() < 50_000, "{} bytes", inspected.out.len());
    // A kilobyte that would be 500 MB, in words.
    let (a, b) = ("{b}".repeat(1000), "b".repeat(500 << 10));
    let bad = named(&f, &[&a, &b, "phi", "m", "p", "row"], 1);
    assert!(bad.len() < 100_000);
    f.write("bad.vxc", &bad);
    for args in [&["-l", "bad.vxc"][..], &["-l", "--json", "bad.vxc"], &["inspect", "bad.vxc"]] {
        let refused = f.run(args);
        assert_eq!(refused.code, Some(3), "{args:?}: {}", refused.err);
        assert!(refused.err.contains("a name of a field is too long"), "{}", refused.err);
    }
}

/// Many streams, each with its relations: what does not fit any more is not written out.
#[test]
fn relations_of_many_streams_count() {
    if !peaks_are_measured() {
        return;
    }
    let f = fitted();
    let names = ["a", "b", "c", "d", "e", "f"].map(|c| c.repeat(4096));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let archive = |streams| named(&f, names[..].try_into().unwrap(), streams);
    f.write("bomb.vxc", &archive(12_000));
    // What is made for the list is no more than fits; the program itself and the allocator come on top.
    let peak = peak_of(&f, &["-lq", "--json", "-M", "256", "bomb.vxc"], 4);
    println!("list: {peak} MiB");
    assert!(peak <= 256 + 24, "{peak} MiB");
    // Nothing is kept of what is printed as it is made: here, some 200 MB.
    f.write("many.vxc", &archive(4000));
    let peak = peak_of(&f, &["inspect", "-M", "256", "many.vxc"], 0);
    println!("inspect: {peak} MiB");
    assert!(peak <= 144, "{peak} MiB");
}

#[test]
fn names_cannot_drive_a_terminal() {
    let f = fitted();
    f.write("x.vxc", &named(&f, &["pt\x1b[2J", "eta\x07", "phi", "m\x7f", "p", "row"], 1));
    let inspected = f.run(&["inspect", "x.vxc"]).good();
    let text = inspected.text();
    assert!(text.contains("pt\\u{1b}[2J") && text.contains("eta\\u{7}"), "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert!(text.lines().any(|l| l.contains(" = ") && l.contains("pt\\u{1b}")), "{text}");
}

/// A layout of too long a name is refused where it is asked for, and not used where it is found.
#[test]
fn layouts_of_long_names_are_refused() {
    let f = Folder::new();
    f.write("x", &table(500));
    let layout = TABLE_LAYOUT.replace("eta", &"n".repeat(4097));
    f.write("x.meta.json", layout.as_bytes());
    let done = f.run(&["-1", "x"]).good();
    assert!(done.err.contains("is not used") && done.err.contains("4096"), "{}", done.err);
    f.run(&["-1f", "--layout", "x.meta.json", "x"]).bad(2, &["name of a field", "4096"]);
    f.run(&["fit", "--layout", "x.meta.json", "x", "-o", "m.vxm"]).bad(2, &["name of a field"]);
}

/// One byte of a name is six where it is shown.
#[test]
fn a_name_of_a_tensor_is_not_held_several_times() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    let name = "\x7f".repeat(4 << 20);
    let header = format!(r#"{{"{name}":{{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}}}"#);
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.push(7);
    f.write("x", &file);
    f.run(&["compress-weights", "-1", "x"]).good();
    let list = |json: &[&'static str]| {
        [&["decompress-weights", "--list", "-M", "40", "x.vxw"], json].concat()
    };
    let shown = f.run(&list(&[])).good();
    let lines: Vec<&str> = shown.text().lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[2].starts_with("  \\u{7f}\\u{7f}") && lines[2].len() > 6 * name.len());
    // The columns are as wide as they may be.
    assert!(lines[1].starts_with(&format!("  {:<60}  type", "tensor")), "{}", lines[1]);
    let peaks = [peak_of(&f, &list(&[]), 0), peak_of(&f, &list(&["--json"]), 0)];
    println!("{peaks:?} MiB with -M 40");
    assert!(peaks.iter().all(|&mib| mib <= 40), "{peaks:?} MiB");
}
