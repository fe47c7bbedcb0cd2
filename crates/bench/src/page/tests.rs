//! Of whole pages. `tests/report.sh` shows one to a browser.

use super::html;
use crate::evaluation::{
    Command, Evaluation, FieldShare, FileResult, RelationSaving, Row, SegmentPoint,
};

const EVIL: &str = "<script>alert('x')</script>\"&\u{202e}\n";

fn row(name: &str, level: Option<u8>, ratio: f64, speed: f64) -> Row {
    Row {
        name: name.into(),
        level,
        model: false,
        coded: (1e6 / ratio) as u64,
        ratio,
        ratio_with_model: None,
        bits_per_byte: 8.0 / ratio,
        theoretical_bits_per_byte: level.map(|_| 7.9 / ratio),
        compress_cpu: speed / 4.0,
        compress_wall: speed / 5.0,
        decompress_cpu: speed,
        decompress_wall: speed / 2.0,
        peak_bytes: Some(50 << 20),
        lossless: true,
        pareto: false,
    }
}

fn field(name: &str, bits: f64) -> FieldShare {
    FieldShare {
        name: name.into(),
        kind: "f32".into(),
        raw_bits: 32.0,
        symbol_bits: bits,
        offset_bits: bits / 2.0,
        coding: "bins".into(),
    }
}

fn file(name: &str) -> FileResult {
    let segment = |i: u64| SegmentPoint { start: i * 1000, raw: 1000, coded: 300 + i };
    FileResult {
        name: name.into(),
        bytes: 1_000_000,
        layout: "124-byte records".into(),
        model_bytes: None,
        contenders: (1..=12)
            .map(|l| {
                row(&format!("vxc -{l}"), Some(l), 2.0 + f64::from(l) / 12.0, 900.0 / f64::from(l))
            })
            .chain(
                (1..=13).map(|i| row(&format!("peer {i}"), None, 1.6 + f64::from(i) / 20.0, 80.0)),
            )
            .collect(),
        fields: vec![field("pt", 9.0), field("eta", 7.0)],
        relations: vec![RelationSaving {
            field: "mass".into(),
            formula: "E² − p²".into(),
            bits_without: 20.0,
            bits_with: 3.0,
        }],
        segments: (0..30).map(segment).collect(),
        losses: vec!["peer 13 is faster".into()],
    }
}

fn page(files: Vec<FileResult>) -> Evaluation {
    Evaluation {
        program: "vxc 0.1.0".into(),
        machine: "two cores".into(),
        rounds: 3,
        commands: vec![Command { what: "All of it".into(), line: "vxc evaluate a.bin".into() }],
        files,
    }
}

fn empty(name: &str) -> FileResult {
    FileResult {
        contenders: Vec::new(),
        fields: Vec::new(),
        relations: Vec::new(),
        segments: Vec::new(),
        losses: Vec::new(),
        ..file(name)
    }
}

/// Tags nest, quotes close, ids are unique.
fn well_formed(page: &str) -> Result<(), String> {
    const VOID: [&str; 2] = ["meta", "link"];
    let (head, body) = page.split_once("<style>").ok_or("no style")?;
    let (_, body) = body.split_once("</style>").ok_or("no end of style")?;
    let rest = format!("{}{body}", head.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?);
    let (mut open, mut ids) = (Vec::new(), std::collections::BTreeSet::new());
    let mut rest = rest.as_str();
    while let Some((text, after)) = rest.split_once('<') {
        if text.contains('>') {
            return Err(format!("> in {text:?}"));
        }
        let mut quoted = false;
        let end = after.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let (tag, after) = after.split_at(end.ok_or("tag without end")?);
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        for id in tag.split(" id=\"").skip(1).filter_map(|t| t.split('"').next()) {
            if !ids.insert(id.to_owned()) {
                return Err(format!("{id} twice"));
            }
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> out of place"));
            }
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
        rest = after.strip_prefix('>').ok_or("no >")?;
    }
    for target in page.split("href=\"#").skip(1).filter_map(|t| t.split('"').next()) {
        if !ids.contains(target) {
            return Err(format!("no {target}"));
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("open: {open:?}")) }
}

#[test]
fn every_contender_field_relation_and_command_is_there() {
    let of = page(vec![file("a.bin"), file("b.bin")]);
    let html = html(&of);
    well_formed(&html).expect("well-formed");
    let file = of.files.first().expect("a file");
    for row in &file.contenders {
        // In the table, the key, and twice in the wide plots where there is room.
        let cells = html.matches(&format!("<th scope=\"row\">{}<", row.name)).count();
        assert!(cells >= 2, "{}", row.name);
        assert!(html.contains(&format!("<title>{}: ratio ", row.name)), "{}", row.name);
    }
    for text in ["pt", "eta", "mass", "E² − p²", "peer 13 is faster", "vxc evaluate a.bin"] {
        assert!(html.contains(text), "{text}");
    }
    assert_eq!(html, super::html(&of));
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    let html = html(&page(vec![file("a.bin")]));
    for text in ["<script", "http:", "https:", "url(", "@import", "src=", " on"] {
        let found = html.match_indices(text).find(|(at, _)| {
            // Words of the text may begin with "on"; attributes end in "=".
            text != " on"
                || html
                    .get(*at..)
                    .and_then(|t| t.split([' ', '\n']).nth(1))
                    .is_some_and(|w| w.contains('='))
        });
        assert!(found.is_none(), "{text}");
    }
}

#[test]
fn text_of_the_data_is_escaped_everywhere() {
    let mut evil = file(EVIL);
    evil.layout = EVIL.into();
    evil.losses = vec![EVIL.into()];
    for row in &mut evil.contenders {
        row.name = EVIL.into();
    }
    for field in &mut evil.fields {
        (field.name, field.kind, field.coding) = (EVIL.into(), EVIL.into(), EVIL.into());
    }
    for relation in &mut evil.relations {
        (relation.field, relation.formula) = (EVIL.into(), EVIL.into());
    }
    let mut of = page(vec![evil.clone(), evil]);
    (of.program, of.machine) = (EVIL.into(), EVIL.into());
    of.commands = vec![Command { what: EVIL.into(), line: EVIL.into() }];
    let html = html(&of);
    well_formed(&html).expect("well-formed");
    assert!(!html.contains("<script") && !html.contains('\u{202e}') && !html.contains("'x'"));
    assert!(
        html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;\\u{202e}\\n")
    );
}

#[test]
fn pages_of_nothing() {
    let none = html(&page(Vec::new()));
    well_formed(&none).expect("well-formed");
    assert!(none.contains("No files were evaluated."));
    let html = html(&page(vec![empty("a")]));
    well_formed(&html).expect("well-formed");
    for text in [
        "No baselines were run.",
        "There are no contenders.",
        "No fields",
        "No relations",
        "No segments.",
    ] {
        assert!(html.contains(text), "{text}");
    }
}

#[test]
fn odd_numbers_are_drawn_or_left_out() {
    const ODD: [f64; 7] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, 1e300, 1e-300];
    let mut odd = empty("odd");
    for x in ODD {
        odd.contenders.push(row("ours", Some(3), x, 10.0));
        odd.contenders.push(row("theirs", None, 2.0, x));
        odd.fields.push(field("f", x));
        let (bits_without, bits_with) = (x, 1.0);
        let formula = String::from("g");
        odd.relations.push(RelationSaving { field: "f".into(), formula, bits_without, bits_with });
    }
    odd.segments = vec![
        SegmentPoint { start: 0, raw: 0, coded: 0 },
        SegmentPoint { start: 0, raw: 10, coded: 0 },
        SegmentPoint { start: u64::MAX, raw: 10, coded: 5 },
    ];
    let html = html(&page(vec![odd.clone()]));
    well_formed(&html).expect("well-formed");
    for bad in ["NaN", "inf\"", "inf ", "inf%", "nan", "\"-"] {
        assert!(!html.contains(bad), "{bad}");
    }
    odd.contenders.iter_mut().for_each(|r| r.lossless = false);
    odd.segments.truncate(1);
    let html = super::html(&page(vec![odd]));
    well_formed(&html).expect("well-formed");
    assert!(html.contains("NO</strong>") && html.contains("No contender has a ratio"));
}

#[test]
fn one_segment_and_no_baselines() {
    let mut one = file("one");
    one.segments.truncate(1);
    one.contenders.retain(|r| r.level.is_some());
    one.losses.clear();
    let html = html(&page(vec![one]));
    well_formed(&html).expect("well-formed");
    assert!(html.contains("1 segment: ratio 3.333.<") && html.contains("No baselines were run."));
    assert!(!html.contains("</svg> baseline"));
}

#[test]
fn a_baseline_that_no_level_matches_is_marked() {
    let mut file = file("a");
    let marked =
        |file: &FileResult| html(&page(vec![file.clone()])).matches("class=\"unmatched\"").count();
    assert_eq!(marked(&file), 0);
    file.contenders.push(row("fast", None, 1.1, 5000.0));
    file.contenders.push(row("small", None, 9.0, 0.1));
    file.contenders.push(Row { lossless: false, ..row("wrong", None, 99.0, 9000.0) });
    assert_eq!(marked(&file), 2);
    // Ratios of ours count with the model file here.
    let with = row("vxc -5, model", Some(5), 9.5, 0.2);
    file.contenders.push(Row { model: true, ratio_with_model: Some(1.2), ..with });
    assert_eq!(marked(&file), 2);
}

#[test]
fn hundreds_of_fields_are_summed_up() {
    let mut wide = file("wide");
    wide.fields = (0..300).map(|i| field(&format!("column {i}"), f64::from(i % 50))).collect();
    let html = html(&page(vec![wide]));
    well_formed(&html).expect("well-formed");
    assert_eq!(html.matches("<th scope=\"row\">column ").count(), 40);
    assert!(html.contains("260 smaller fields"));
}
