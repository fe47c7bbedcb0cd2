//! Detection on inputs made here: headers, tails, several tables, columns, text, noise.

use vxc_tokens::detect::{Region, detect};
use vxc_tokens::{Endian, Kind};

/// splitmix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Roughly normal.
    fn bell(&mut self) -> f64 {
        (0..6).map(|_| self.unit()).sum::<f64>() - 3.0
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

/// 44-byte records: 6 f4, 2 i4, 1 f8, 2 u2; all little- or all big-endian.
fn mixed(rng: &mut Rng, rows: usize, endian: Endian) -> Vec<u8> {
    let mut out = Vec::new();
    let mut put = |le: &[u8]| match endian {
        Endian::Little => out.extend_from_slice(le),
        Endian::Big => out.extend(le.iter().rev()),
    };
    for i in 0..rows {
        let pt = 20e3 / (0.02 + rng.unit());
        for v in [pt, rng.bell(), rng.bell() * 3.0, pt * 0.1 * rng.unit(), rng.unit(), 40.0] {
            put(&(v as f32).to_le_bytes());
        }
        put(&((rng.unit() * 12.0) as i32).to_le_bytes());
        put(&((rng.bell() * 50.0) as i32).to_le_bytes());
        put(&(rng.bell() * 1e-3).to_le_bytes());
        put(&((rng.unit() * 900.0) as u16).to_le_bytes());
        put(&(i as u16).to_le_bytes());
    }
    out
}

/// 20-byte records of five floats of other sizes.
fn five(rng: &mut Rng, rows: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..rows {
        for scale in [1.0, 1e-4, 5e6, 1e2, 1e-9] {
            out.extend_from_slice(&((rng.bell() * scale) as f32).to_le_bytes());
        }
    }
    out
}

fn tables(regions: &[Region]) -> Vec<(usize, usize, usize)> {
    regions.iter().filter_map(|r| Some((r.start, r.len, r.layout.as_ref()?.record_bytes))).collect()
}

fn check_cover(data: &[u8], regions: &[Region]) {
    let mut at = 0;
    for r in regions {
        assert_eq!(r.start, at);
        assert!(r.len > 0);
        if let Some(l) = &r.layout {
            assert_eq!(r.len % l.record_bytes, 0);
        }
        at += r.len;
    }
    assert_eq!(at, data.len());
    assert!(regions.len() <= vxc_tokens::detect::MAX_REGIONS + 1);
}

fn found(data: &[u8]) -> Vec<(usize, usize, usize)> {
    let regions = detect(data);
    check_cover(data, &regions);
    tables(&regions)
}

#[test]
fn a_plain_table_and_its_kinds() {
    for endian in [Endian::Little, Endian::Big] {
        let data = mixed(&mut Rng(1), 5000, endian);
        let regions = detect(&data);
        assert_eq!(tables(&regions), [(0, data.len(), 44)]);
        let fields = &regions[0].layout.as_ref().unwrap().fields;
        let want = [
            (0, Kind::F32),
            (4, Kind::F32),
            (8, Kind::F32),
            (12, Kind::F32),
            (16, Kind::F32),
            (28, Kind::I32),
            (32, Kind::F64),
        ];
        for (offset, kind) in want {
            let f = fields.iter().find(|f| f.offset == offset).map(|f| (f.kind, f.endian));
            assert_eq!(f, Some((kind, endian)), "at {offset}");
        }
        let at_24 = fields.iter().find(|f| f.offset == 24);
        assert!(at_24.is_some_and(|f| !f.kind.is_float()), "{fields:?}");
        assert!(fields.iter().any(|f| f.offset == 40 && f.kind.bytes() == 2));
    }
}

#[test]
fn headers_of_any_length() {
    for header in [1usize, 7, 10, 64, 100, 1000, 4096] {
        let mut rng = Rng(header as u64);
        let mut data = rng.bytes(header);
        data.extend(mixed(&mut rng, 3000, Endian::Little));
        assert_eq!(found(&data), [(header, 3000 * 44, 44)], "header {header}");
    }
}

#[test]
fn an_npy_header() {
    let mut data = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, }".to_vec();
    data.resize(127, b' ');
    data.push(b'\n');
    data.extend(five(&mut Rng(5), 4000));
    assert_eq!(found(&data), [(128, 80_000, 20)]);
}

#[test]
fn a_tail_that_is_no_record() {
    let mut rng = Rng(9);
    let mut data = mixed(&mut rng, 2000, Endian::Little);
    data.extend(rng.bytes(17));
    assert_eq!(found(&data), [(0, 88_000, 44)]);
}

#[test]
fn two_tables_one_after_the_other() {
    let mut rng = Rng(2);
    let mut data = mixed(&mut rng, 4000, Endian::Little);
    let border = data.len();
    data.extend(five(&mut rng, 6000));
    assert_eq!(found(&data), [(0, border, 44), (border, 120_000, 20)]);
}

#[test]
fn other_columns_behind_the_same_stride() {
    let mut rng = Rng(3);
    let mut data = five(&mut rng, 5000);
    let border = data.len();
    for i in 0..5000u32 {
        for v in [i, (rng.unit() * 30.0) as u32, 7, 0] {
            data.extend_from_slice(&v.to_le_bytes());
        }
        data.extend_from_slice(&(rng.unit() as f32).to_le_bytes());
    }
    assert_eq!(found(&data), [(0, border, 20), (border, 100_000, 20)]);
}

#[test]
fn columns_one_after_the_other() {
    let mut rng = Rng(4);
    let mut data = Vec::new();
    for scale in [1.0, 1e6, 1e-7] {
        for _ in 0..30_000 {
            data.extend_from_slice(&((rng.bell() * scale) as f32).to_le_bytes());
        }
    }
    let t = found(&data);
    assert!(t.iter().all(|t| t.2 == 4), "{t:?}");
    assert_eq!(t.len(), 3, "{t:?}");
    for (k, t) in t.iter().enumerate() {
        assert!(t.0.abs_diff(k * 120_000) < 512, "{t:?}");
    }
}

#[test]
fn few_records() {
    for rows in [24usize, 64, 200] {
        let data = mixed(&mut Rng(6), rows, Endian::Little);
        assert_eq!(found(&data), [(0, data.len(), 44)], "{rows} rows");
    }
}

#[test]
fn no_table_in_noise_text_or_next_to_nothing() {
    let mut rng = Rng(7);
    for n in [0, 1, 63, 64, 1000, 100_000, 1_000_000] {
        assert_eq!(found(&rng.bytes(n)), [], "{n} random bytes");
    }
    let mut csv = String::new();
    let mut json = String::from("[");
    for i in 0..20_000 {
        csv += &format!("{:06},{:8.3},{:8.3}\n", i, rng.bell(), rng.unit());
        json += &format!("{{\"id\": {i}, \"x\": {:.4}}},", rng.unit());
    }
    assert_eq!(found(csv.as_bytes()), []);
    assert_eq!(found(json.as_bytes()), []);
    assert_eq!(found(include_bytes!("../src/layout.rs")), []);
    found(&vec![0; 100_000]);
}

#[test]
fn half_precision() {
    let mut rng = Rng(8);
    let mut data = Vec::new();
    for _ in 0..100_000 {
        let bits = ((rng.bell() * 0.05) as f32).to_bits();
        data.extend_from_slice(&((bits >> 16) as u16).to_le_bytes());
    }
    let regions = detect(&data);
    assert_eq!(tables(&regions), [(0, 200_000, 2)]);
    assert_eq!(regions[0].layout.as_ref().unwrap().fields[0].kind, Kind::Bf16);
}

mod any {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn regions_cover_any_bytes(data in prop::collection::vec(any::<u8>(), 0..3000)) {
            check_cover(&data, &detect(&data));
        }

        #[test]
        fn a_repeated_pattern_with_cuts(
            pattern in prop::collection::vec(any::<u8>(), 1..200),
            times in 1usize..60,
            head in prop::collection::vec(any::<u8>(), 0..50),
            tail in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let mut data = head;
            for _ in 0..times {
                data.extend_from_slice(&pattern);
            }
            data.extend(tail);
            let regions = detect(&data);
            check_cover(&data, &regions);
            prop_assert_eq!(regions, detect(&data));
        }
    }
}
