//! Layout files: every accepted form, and hostile ones.

use proptest::prelude::*;
use vxc_tokens::sidecar::{LayoutFit, check_layout, parse_layout};
use vxc_tokens::{Endian, Kind, RecordLayout, TokenError};

fn kinds(l: &RecordLayout) -> Vec<(usize, Kind)> {
    l.fields.iter().map(|f| (f.offset, f.kind)).collect()
}

#[test]
fn numpy_lists() {
    let json = r#"{"itemsize": 48, "dtype": [["a", "<f4"], ["b", "|i1"], ["c", ">f8"], ["s", "|S11"],
        ["z", "<c8"], ["m", "<i2", [2, 2]], ["flag", "|b1"], ["v", "|V3"], ["h", "<f2", 2]]}"#;
    let l = parse_layout(json).unwrap();
    assert_eq!(l.record_bytes, 48);
    let want = [
        (0, Kind::F32),
        (4, Kind::I8),
        (5, Kind::F64),
        (13, Kind::Bytes(8)),
        (21, Kind::Bytes(3)),
        (24, Kind::F32),
        (28, Kind::F32),
        (32, Kind::I16),
        (34, Kind::I16),
        (36, Kind::I16),
        (38, Kind::I16),
        (40, Kind::U8),
        (41, Kind::Bytes(3)),
        (44, Kind::F16),
        (46, Kind::F16),
    ];
    assert_eq!(kinds(&l), want);
    assert_eq!(l.fields[2].endian, Endian::Big);
    assert_eq!(l.fields[7].group, l.fields[10].group);
    assert_ne!(l.fields[0].group, l.fields[1].group);
}

#[test]
fn aligned_dtypes_have_gaps() {
    let json = r#"{"dtype": {"names": ["a", "b"], "formats": ["|u1", "<f8"], "offsets": [0, 8], "itemsize": 24}}"#;
    let l = parse_layout(json).unwrap();
    assert_eq!(
        kinds(&l),
        [(0, Kind::U8), (1, Kind::Bytes(7)), (8, Kind::F64), (16, Kind::Bytes(8))]
    );
}

#[test]
fn columns_and_groups() {
    let l = parse_layout(r#"{"record_bytes": 16, "columns": ["Jet_pt[0]", "Jet_eta[0]", "Jet_pt[1]", "Jet_eta[1]"]}"#)
        .unwrap();
    let g: Vec<u32> = l.fields.iter().map(|f| f.group).collect();
    assert_eq!(g, [0, 1, 0, 1]);
    let grid = parse_layout(r#"{"record_bytes": 1920, "columns": ["v"]}"#).unwrap();
    assert_eq!((grid.record_bytes, grid.fields.len()), (1920, 480));
}

#[test]
fn native_form() {
    let json = r#"{"record_bytes": 12, "fields": [{"name": "x", "offset": 4, "kind": "f32", "endian": "big", "group": 3},
        {"name": "n", "offset": 8, "kind": "u16"}]}"#;
    let l = parse_layout(json).unwrap();
    assert_eq!(
        kinds(&l),
        [(0, Kind::Bytes(4)), (4, Kind::F32), (8, Kind::U16), (10, Kind::Bytes(2))]
    );
    assert_eq!((l.fields[1].group, l.fields[1].endian), (3, Endian::Big));
    assert_eq!(l.fields[2].group, 4);
}

#[test]
fn bare_dtypes() {
    assert_eq!(kinds(&parse_layout(r#""<f8""#).unwrap()), [(0, Kind::F64)]);
    assert_eq!(
        kinds(&parse_layout(r#"[["p", [["x", "<f4"], ["y", "<f4"]], 1]]"#).unwrap()).len(),
        2
    );
}

#[test]
fn hostile_files() {
    let deep = "[".repeat(100_000);
    let nested = format!("{}\"<f4\"{}", "[[\"a\",".repeat(60), ", 8]]".repeat(60));
    // Repetitions of entries without a byte, which leave no field.
    let empty = |name: &str| {
        let nothing = format!(r#"["{name}", "V0"],"#).repeat(10_000);
        format!(r#"{{"dtype": [["", [["a", "u1"], {nothing} ["b", "u1"]], 8000]]}}"#)
    };
    let (nameless, named) = (empty(""), empty("n"));
    let cases = [
        "",
        "{",
        nameless.as_str(),
        named.as_str(),
        "7",
        "{}",
        deep.as_str(),
        nested.as_str(),
        r#"{"dtype": []}"#,
        r#"{"dtype": [["a", "<f4"]], "itemsize": 3}"#,
        r#"{"dtype": [["a", "<f4"]], "itemsize": 99999999999999999999}"#,
        r#"{"dtype": [["a", "<f4"]], "itemsize": 4, "record_bytes": 8}"#,
        r#"{"dtype": [["a", "<f4", [1000000, 1000000, 1000000]]]}"#,
        r#"{"dtype": [["a", "<S99999999"]]}"#,
        r#"{"dtype": [["a", "<f5"]]}"#,
        r#"{"dtype": [["a", "é4"]]}"#,
        r#"{"dtype": {"names": ["a", "b"], "formats": ["<f4", "<f4"], "offsets": [0, 2]}}"#,
        r#"{"dtype": {"names": ["a"], "formats": ["<f4", "<f4"]}}"#,
        r#"{"columns": ["a", "b"], "record_bytes": 12}"#,
        r#"{"columns": ["a"], "record_bytes": 1048576}"#,
        r#"{"fields": [{"kind": "f32", "offset": 18446744073709551615}]}"#,
        r#"{"fields": [{"kind": "bytes9"}]}"#,
        r#"{"fields": [{"kind": "f32", "group": 4294967296}]}"#,
        r#"{"fields": [{"kind": "f32", "offset": 0}, {"kind": "f32", "offset": 3}]}"#,
    ];
    for json in cases {
        match parse_layout(json) {
            Err(TokenError::Sidecar(_) | TokenError::Layout(_)) => {}
            other => panic!("{}: {other:?}", &json[..json.len().min(80)]),
        }
    }
}

fn table(record: usize, rows: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut x = 12345u64;
    for _ in 0..rows {
        for k in 0..record / 4 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let v = 10f32.powi(k as i32 * 2 - 4) * (1.0 + (x >> 40) as f32 / 1e7);
            out.extend_from_slice(&v.to_le_bytes());
        }
    }
    out
}

#[test]
fn a_layout_against_a_file() {
    let data = table(28, 3000);
    let fits =
        |json: &str, len: usize| check_layout(&parse_layout(json).unwrap(), len as u64, &data);
    let columns = r#"{"record_bytes": 28, "columns": ["a", "b", "c", "d", "e", "f", "g"]}"#;
    assert_eq!(fits(columns, data.len()), LayoutFit::Fits);
    assert_eq!(fits(columns, data.len() + 3), LayoutFit::FitsWithTail { tail: 3 });
    let contradicts = |json: &str| {
        assert!(matches!(fits(json, data.len()), LayoutFit::Contradicts { .. }), "{json}");
    };
    contradicts(r#"{"record_bytes": 24, "columns": ["a", "b", "c", "d", "e", "f"]}"#);
    contradicts(r#"{"dtype": [["a", ">f4", 7]]}"#);
    contradicts(r#"{"dtype": [["p", "|V2"], ["a", "<f4", 6], ["q", "|V2"]]}"#);
    let long = r#"{"record_bytes": 100000, "dtype": [["a", "<f4"]]}"#;
    assert!(matches!(fits(long, data.len()), LayoutFit::Contradicts { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_ends_in_a_layout_or_an_error(s in r#"[{}\[\]",:<>f48ia-d0-9 ]{0,60}"#) {
        let _ = parse_layout(&s);
    }

    #[test]
    fn any_shape_ends_in_a_cover_or_an_error(
        formats in prop::collection::vec(("[<>|][fiubcSV][1248]{1,2}", 0u64..5), 1..12),
        itemsize in prop::option::of(0usize..400),
    ) {
        let entries: Vec<String> =
            formats.iter().enumerate().map(|(i, (f, n))| format!("[\"f{i}\", \"{f}\", {n}]")).collect();
        let size = itemsize.map_or("null".to_owned(), |n| n.to_string());
        let json = format!("{{\"itemsize\": {size}, \"dtype\": [{}]}}", entries.join(","));
        if let Ok(l) = parse_layout(&json) {
            let mut at = 0;
            for f in &l.fields {
                prop_assert_eq!(f.offset, at);
                at += f.kind.bytes();
            }
            prop_assert_eq!(at, l.record_bytes);
        }
    }
}

/// Elements of an array have a name each, and nested types that of what they are in before their own.
#[test]
fn long_names_are_refused_before_they_are_multiplied() {
    let name = |n: usize| "n".repeat(n);
    let array = |n| format!(r#"{{"dtype": [["{}", "<f4", [16000]]]}}"#, name(n));
    let nested = |n| format!(r#"{{"dtype": [["{}", [["b", "V0"], ["c", "<f4"]]]]}}"#, name(n));
    let fields = |n| {
        format!(r#"{{"record_bytes": 4, "fields": [{{"name": "{}", "kind": "f32"}}]}}"#, name(n))
    };
    let columns = |n| format!(r#"{{"columns": ["{}"]}}"#, name(n));
    let most = vxc_tokens::layout::MAX_NAME_BYTES;
    for (good, bad) in [
        (array(most), array(8 << 20)),
        (nested(most - 2), nested(most - 1)),
        (fields(most), fields(most + 1)),
        (columns(most), columns(most + 1)),
    ] {
        assert!(parse_layout(&good).is_ok());
        let refused = parse_layout(&bad).unwrap_err().to_string();
        assert!(refused.contains("name of a field"), "{refused}");
    }
}
