//! The generated inputs: pinned bytes, and that they are what their description says.

use std::io::Read;

use vxc_bench::generator::{
    Number, Table, Variant, column_major, random_bytes, records_with_header_and_tail,
    schema_change, text_events, two_tables, zeros,
};

const VARIANTS: [Variant; 5] =
    [Variant::Standard, Variant::Permuted, Variant::Double, Variant::Violated, Variant::Odd];

fn table(variant: Variant, rows: u64) -> Table {
    Table { seed: 1, rows, variant }
}

/// A column's values as f64.
fn column(table: &Table, bytes: &[u8], name: &str) -> Vec<f64> {
    let c = *table.columns().iter().find(|c| c.name == name).unwrap();
    bytes
        .chunks_exact(table.record_bytes())
        .map(|r| {
            let b = &r[c.offset..c.offset + c.number.bytes()];
            match c.number {
                Number::F32 => f64::from(f32::from_le_bytes(b.try_into().unwrap())),
                Number::F64 => f64::from_le_bytes(b.try_into().unwrap()),
                Number::I8 => f64::from(b[0] as i8),
                Number::U8 => f64::from(b[0]),
                Number::I16 => f64::from(i16::from_le_bytes(b.try_into().unwrap())),
                Number::U16 => f64::from(u16::from_le_bytes(b.try_into().unwrap())),
                Number::I32 => f64::from(i32::from_le_bytes(b.try_into().unwrap())),
                Number::I64 => i64::from_le_bytes(b.try_into().unwrap()) as f64,
            }
        })
        .collect()
}

#[test]
fn bytes_are_pinned() {
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let mut hashes: Vec<String> =
        VARIANTS.map(|v| hash(&table(v, 10_000).to_vec()[..1 << 20])).into();
    let mut small = records_with_header_and_tail(1, 100).0;
    small.extend(two_tables(2, 100).0);
    small.extend(schema_change(3, 100).0);
    small.extend(column_major(4, 100));
    small.extend(text_events(5, 10_000));
    small.extend(random_bytes(6, 1001));
    hashes.push(hash(&small));
    // One line for the first mebibyte of each variant, one for all small files.
    assert_eq!(hashes.join("\n"), include_str!("golden.txt").trim_end());
}

#[test]
fn a_reader_gives_the_same_bytes_in_any_pieces() {
    let table = table(Variant::Standard, 3001);
    let whole = table.to_vec();
    assert_eq!(whole.len() as u64, table.bytes());
    let mut written = Vec::new();
    table.write_to(&mut written).unwrap();
    assert!(whole == written);
    let mut reader = table.reader();
    let mut read = Vec::new();
    for size in (1..5000).cycle().step_by(997) {
        let mut piece = vec![0; size];
        let n = reader.read(&mut piece).unwrap();
        if n == 0 {
            break;
        }
        read.extend_from_slice(&piece[..n]);
    }
    assert!(whole == read);
}

#[test]
fn a_longer_table_starts_as_a_shorter_one_and_seeds_differ() {
    let short = table(Variant::Standard, 2000).to_vec();
    let long = table(Variant::Standard, 4000).to_vec();
    assert!(long.starts_with(&short));
    let other = Table { seed: 2, ..table(Variant::Standard, 2000) }.to_vec();
    assert!(short != other);
}

#[test]
fn sizes_are_as_described() {
    let sizes = VARIANTS.map(|v| table(v, 1).record_bytes());
    assert_eq!(sizes, [124, 124, 156, 124, 125]);
    let big = Table::of_bytes(1, 256 << 20);
    assert!(big.bytes() <= 256 << 20 && big.bytes() + 124 > 256 << 20);
    for variant in VARIANTS {
        let mut at = 0;
        for c in table(variant, 1).columns() {
            assert_eq!(c.offset, at);
            at += c.number.bytes();
        }
        assert_eq!(at, table(variant, 1).record_bytes());
    }
}

#[test]
fn derived_columns_follow_from_their_sources() {
    for variant in [Variant::Standard, Variant::Permuted, Variant::Double, Variant::Odd] {
        let t = table(variant, 2000);
        let bytes = t.to_vec();
        let get = |name| column(&t, &bytes, name);
        let (pt, eta, phi, m) = (get("pt"), get("eta"), get("phi"), get("mass"));
        let (e, px, pb, pc, pu) = (get("energy"), get("px"), get("p_b"), get("p_c"), get("p_u"));
        let (tracks, neutral, all) = (get("n_tracks"), get("n_neutral"), get("n_all"));
        for i in 0..2000 {
            let p = pt[i] * eta[i].cosh();
            let energy = (m[i] * m[i] + p * p).sqrt();
            assert!((e[i] / energy - 1.0).abs() < 1e-7, "{variant:?} row {i}");
            assert!((px[i] - pt[i] * phi[i].cos()).abs() < 1e-7 * pt[i]);
            assert!((pb[i] + pc[i] + pu[i] - 1.0).abs() < 2e-7);
            assert_eq!(tracks[i] + neutral[i], all[i]);
        }
    }
}

#[test]
fn a_tenth_of_the_violated_rows_break_every_relation() {
    let t = table(Variant::Violated, 20_000);
    let bytes = t.to_vec();
    let (tracks, neutral) = (column(&t, &bytes, "n_tracks"), column(&t, &bytes, "n_neutral"));
    let all = column(&t, &bytes, "n_all");
    let broken = (0..20_000).filter(|&i| tracks[i] + neutral[i] != all[i]).count();
    assert!((1800..2200).contains(&broken), "{broken}");
}

#[test]
fn events_share_their_columns_and_jets_fall_in_pt() {
    let t = table(Variant::Standard, 5000);
    let bytes = t.to_vec();
    let (event, rank) = (column(&t, &bytes, "event"), column(&t, &bytes, "rank"));
    let (pt, pv, time) =
        (column(&t, &bytes, "pt"), column(&t, &bytes, "pv_z"), column(&t, &bytes, "time"));
    let mut events = 0;
    for i in 1..5000 {
        if event[i] == event[i - 1] {
            assert_eq!(pv[i], pv[i - 1]);
            assert_eq!(rank[i], rank[i - 1] + 1.0);
            assert!(pt[i] <= pt[i - 1]);
        } else {
            events += 1;
            assert_eq!(rank[i], 0.0);
            assert!(time[i] > time[i - 1]);
        }
    }
    assert!((800..1800).contains(&events), "{events}");
}

#[test]
fn missing_values_and_rare_labels_are_there() {
    let t = table(Variant::Standard, 20_000);
    let bytes = t.to_vec();
    let missing = column(&t, &bytes, "sv_mass").iter().filter(|x| x.is_nan()).count();
    assert!((10_000..17_000).contains(&missing), "{missing}");
    let taus = column(&t, &bytes, "label").iter().filter(|&&x| x == 15.0).count();
    assert!((400..1000).contains(&taus), "{taus}");
}

#[test]
fn a_short_table_does_not_hold_all_sectors() {
    let seen = |rows| {
        let t = table(Variant::Standard, rows);
        let mut sectors: Vec<u64> =
            column(&t, &t.to_vec(), "sector").iter().map(|&x| x as u64).collect();
        sectors.sort_unstable();
        sectors.dedup();
        sectors.len()
    };
    assert!(seen(20_000) < 140);
    assert!(seen(300_000) > 150);
}

#[test]
fn small_files_have_the_shapes_that_they_promise() {
    let standard = Table { seed: 9, rows: 50, variant: Variant::Standard }.to_vec();
    let (bytes, records) = records_with_header_and_tail(9, 50);
    assert_eq!((records.start, bytes.len() - records.end), (211, 17));
    assert!(bytes[records] == standard);
    let (bytes, first) = two_tables(9, 50);
    assert!(bytes[..first] == standard && bytes.len() - first == 50 * 20);
    let (bytes, first) = schema_change(9, 50);
    assert!(bytes[..first] == standard && bytes.len() == 2 * first);
    let columns = column_major(9, 50);
    assert_eq!(columns.len(), standard.len());
    // The first column is the event number.
    assert_eq!(columns[8..16], standard[124..132]);
    assert!(zeros(77) == [0; 77]);
    assert_eq!(random_bytes(9, 13).len(), 13);
    let text = String::from_utf8(text_events(9, 5000)).unwrap();
    assert!(text.len() >= 5000 && text.lines().filter(|l| l.starts_with("P ")).count() > 20);
    assert!(text.lines().filter(|l| l.starts_with("P ")).all(|l| l.split(' ').count() == 10));
}

#[test]
fn the_layout_file_names_every_column() {
    for variant in VARIANTS {
        let t = table(variant, 1);
        let json = t.layout_json();
        assert!(json.contains(&format!("\"record_bytes\": {}", t.record_bytes())));
        for c in t.columns() {
            assert!(json.contains(&format!("\"{}\", \"offset\": {}", c.name, c.offset)));
        }
    }
}
