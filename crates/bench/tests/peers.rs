//! Every peer gives back what it was given, so that no figure comes from bytes that were lost.

use proptest::prelude::*;
use vxc::tokens::sidecar::parse_layout;
use vxc::tokens::{Endian, Field, Kind, RecordLayout};
use vxc_bench::generator::{Table, Variant, random_bytes, records_with_header_and_tail};
use vxc_bench::peers::Peer;

fn check(peer: &Peer, raw: &[u8]) -> usize {
    let coded = peer.compress(raw).unwrap();
    let back = peer.decompress(&coded, raw.len()).unwrap();
    assert!(back == raw, "{}", peer.name());
    coded.len()
}

#[test]
fn tables_of_every_variant_come_back() {
    for variant in [Variant::Standard, Variant::Double, Variant::Odd] {
        let table = Table { seed: 3, rows: 800, variant };
        let layout = parse_layout(&table.layout_json()).unwrap();
        assert_eq!(layout.record_bytes, table.record_bytes());
        assert_eq!(layout.fields.len(), table.columns().len());
        let raw = table.to_vec();
        let sizes: Vec<usize> = Peer::all(Some(&layout)).iter().map(|p| check(p, &raw)).collect();
        assert!(sizes.iter().all(|&n| n < raw.len()), "{variant:?} {sizes:?}");
    }
}

#[test]
fn columns_are_better_than_rows_on_a_table() {
    let table = Table { seed: 3, rows: 4000, variant: Variant::Standard };
    let layout = parse_layout(&table.layout_json()).unwrap();
    let raw = table.to_vec();
    let columns = check(&Peer::PcoColumns(8, layout), &raw);
    assert!(columns < check(&Peer::Zstd(3), &raw));
}

#[test]
fn awkward_inputs_come_back() {
    let layout = parse_layout(&Table::of_bytes(1, 0).layout_json()).unwrap();
    let (mixed, _) = records_with_header_and_tail(4, 30);
    for raw in [vec![], vec![7], random_bytes(5, 1000), mixed] {
        for peer in Peer::all(Some(&layout)).iter().chain(&Peer::all(None)) {
            check(peer, &raw);
        }
    }
}

#[test]
fn truncated_columns_are_an_error() {
    let table = Table { seed: 3, rows: 50, variant: Variant::Standard };
    let peer = Peer::PcoColumns(8, parse_layout(&table.layout_json()).unwrap());
    let raw = table.to_vec();
    let coded = peer.compress(&raw).unwrap();
    assert!(peer.decompress(&coded[..coded.len() - 1], raw.len()).is_err());
    assert!(peer.decompress(&coded, raw.len() + 1).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_come_back_by_column(
        raw in proptest::collection::vec(any::<u8>(), 0..600),
        kinds in proptest::collection::vec((0..20usize, any::<bool>()), 1..12),
    ) {
        use Kind::*;
        let all = [
            F16, Bf16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, Bytes(1), Bytes(2),
            Bytes(3), Bytes(4), Bytes(5), Bytes(6), Bytes(7), Bytes(8),
        ];
        let mut at = 0;
        let mut fields = Vec::new();
        for (i, big) in kinds {
            let endian = if big { Endian::Big } else { Endian::Little };
            fields.push(Field { name: String::new(), offset: at, kind: all[i], endian, group: 0 });
            at += all[i].bytes();
        }
        let layout = RecordLayout::new(at, fields).unwrap();
        let peer = Peer::PcoColumns(4, layout.clone());
        let coded = peer.compress(&raw).unwrap();
        prop_assert_eq!(&peer.decompress(&coded, raw.len()).unwrap(), &raw);
        let peer = Peer::Transposed(layout.record_bytes, Box::new(Peer::Zstd(1)));
        let coded = peer.compress(&raw).unwrap();
        prop_assert_eq!(&peer.decompress(&coded, raw.len()).unwrap(), &raw);
    }
}
