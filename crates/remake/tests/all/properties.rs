//! Lists of blocks as ROOT files have them, made up: through the unpacked form and back. And damaged forms.

use proptest::prelude::*;
use std::io::Cursor;
use vxc_remake::codec::{Codec, remake};
use vxc_remake::content::{Shape, Tail};
use vxc_remake::scan::{Item, Piece, Plan, ValueKind};
use vxc_remake::{Limits, RemakeError, pack, unpack};
use vxc_tokens::layout::{Endian, Kind};

/// A record to be made up.
#[derive(Clone, Debug)]
struct Record {
    codec: u8,
    setting: u8,
    /// Values of each entry.
    lengths: Vec<u8>,
    shape: u8,
    column: usize,
    counts: bool,
    /// Bytes that no piece has, behind it.
    gap: Vec<u8>,
    /// A byte of the stored ones that is damaged, if there are as many.
    damage: Option<usize>,
}

fn record() -> impl Strategy<Value = Record> {
    (
        (0u8..6, 1u8..7, 0u8..4, 0usize..4, any::<bool>()),
        proptest::collection::vec(0u8..5, 0..40),
        proptest::collection::vec(any::<u8>(), 0..20),
        proptest::option::weighted(0.1, 0usize..200),
    )
        .prop_map(|((codec, setting, shape, column, counts), lengths, gap, damage)| Record {
            codec,
            setting,
            lengths,
            shape,
            column,
            counts,
            gap,
            damage,
        })
}

const KEY: usize = 60;

/// The content of a record and what is said of it.
fn content(record: &Record) -> (Vec<u8>, Shape, usize) {
    let tail = if record.setting.is_multiple_of(2) { Tail::Zero } else { Tail::End };
    let mut out = Vec::new();
    let mut starts = Vec::new();
    for (i, &n) in record.lengths.iter().enumerate() {
        starts.push((KEY + out.len()) as u32);
        if record.shape == 2 {
            out.extend((0x4000_0000 | (u32::from(n) * 4 + 6)).to_be_bytes());
            out.extend([0, 9]);
            out.extend(u32::from(n).to_be_bytes());
        }
        (0..n).for_each(|k| out.extend((i as u32 * 7 + u32::from(k)).to_be_bytes()));
    }
    let border = out.len();
    if matches!(record.shape, 1 | 2) {
        out.extend((starts.len() as u32 + 1).to_be_bytes());
        starts.iter().for_each(|s| out.extend(s.to_be_bytes()));
        let end = if tail == Tail::End { (KEY + border) as u32 } else { 0 };
        out.extend(end.to_be_bytes());
    }
    let shape = match record.shape {
        1 => Shape::Jagged { unit: 4, tail },
        2 => Shape::Sequences { unit: 4, tail, version: 0 },
        _ => Shape::Plain,
    };
    (out, shape, border)
}

fn file(records: &[Record]) -> (Vec<u8>, Plan) {
    let mut file = b"head".to_vec();
    let mut items = vec![Item { offset: 0, bytes: 4, piece: None }];
    for record in records {
        let (content, shape, border) = content(record);
        let codec = Codec::of_number(record.codec).unwrap();
        let tag: &[u8] = match codec {
            Codec::Stored | Codec::Lzf => b"",
            Codec::Zlib => b"ZL",
            Codec::Deflate => b"CS",
            Codec::Lz4 => b"L4",
            Codec::Zstd => b"ZS",
            Codec::Lzma => b"XZ",
        };
        let setting = if codec == Codec::Stored { 0 } else { record.setting };
        let block = remake(codec, setting, &content).unwrap().unwrap();
        let mut stored = tag.to_vec();
        if codec != Codec::Stored {
            stored.push(8);
            stored.extend(&(block.len() as u32).to_le_bytes()[..3]);
            stored.extend(&(content.len() as u32).to_le_bytes()[..3]);
        }
        stored.extend(block);
        if let Some(at) = record.damage
            && let Some(byte) = stored.get_mut(at)
        {
            *byte ^= 1;
        }
        let offset = file.len();
        let mut key = vec![7u8; KEY];
        key[..4].copy_from_slice(&((KEY + stored.len()) as u32).to_be_bytes());
        key[4..6].copy_from_slice(&4u16.to_be_bytes());
        key[6..10].copy_from_slice(&(content.len() as u32).to_be_bytes());
        key[18..22].copy_from_slice(&(offset as u32).to_be_bytes());
        key[26..34].copy_from_slice(b"\x07TBasket");
        key[KEY - 5..KEY - 1].copy_from_slice(&((KEY + border) as u32).to_be_bytes());
        file.extend(&key);
        file.extend(&stored);
        let piece = Piece {
            key_bytes: KEY as u32,
            codec: (codec == Codec::Stored).then_some(codec),
            stream: None,
            framed: codec != Codec::Stored,
            content_bytes: content.len() as u64,
            column: record.column,
            kind: ValueKind::Numbers(Kind::U32, Endian::Big, 1),
            shape,
            counts: record.counts,
        };
        let bytes = (KEY + stored.len()) as u64;
        items.push(Item { offset: offset as u64, bytes, piece: Some(piece) });
        let gap = Item { offset: file.len() as u64, bytes: record.gap.len() as u64, piece: None };
        items.push(gap);
        file.extend(&record.gap);
    }
    (file, Plan { container: 1, items, ..Plan::default() })
}

fn form(file: &[u8], plan: &Plan) -> Vec<u8> {
    let mut form = Vec::new();
    let sink = |group: vxc_remake::Group| {
        group.iter().for_each(|section| form.extend_from_slice(&section.bytes));
        Ok::<_, RemakeError>(())
    };
    pack(&mut Cursor::new(file), plan, sink).unwrap();
    form
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_file_comes_back(records in proptest::collection::vec(record(), 0..12)) {
        let (file, plan) = file(&records);
        let form = form(&file, &plan);
        let mut back = Vec::new();
        unpack(&form[..], &mut back, Limits::of_file(file.len() as u64)).unwrap();
        prop_assert!(back == file);
        // One byte less is too many.
        let limit = file.len() as u64 - 1;
        let short = unpack(&form[..], std::io::sink(), Limits::of_file(limit));
        let refused = matches!(short, Err(RemakeError::LimitExceeded { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn noise_is_no_form(noise in proptest::collection::vec(any::<u8>(), 1..300)) {
        // Whatever comes out: no panic.
        let _ = unpack(&noise[..], std::io::sink(), Limits::of_file(1 << 20));
    }
}

#[test]
fn damaged_forms_give_errors_or_other_bytes() {
    let records: Vec<Record> = (0..12u8)
        .map(|i| Record {
            codec: i % 6,
            setting: 1 + i % 5,
            lengths: (0..20).map(|k| (k + i) % 4).collect(),
            shape: i % 4,
            column: usize::from(i % 3),
            counts: i % 4 == 3,
            gap: vec![i; 3],
            damage: None,
        })
        .collect();
    let (file, plan) = file(&records);
    let form = form(&file, &plan);
    let mut errors = 0;
    for bit in 0..form.len() * 8 {
        let mut damaged = form.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let mut back = Vec::new();
        match unpack(&damaged[..], &mut back, Limits::of_file(file.len() as u64 + 64)) {
            Ok(_) => {}
            Err(RemakeError::Io(e)) => panic!("{e}"),
            Err(_) => errors += 1,
        }
    }
    // Bits of the recipe give errors; bits of values give other files, which the archive's checksums tell.
    assert!(errors > 500, "{errors}");
    for end in 1..form.len() {
        assert!(unpack(&form[..end], std::io::sink(), Limits::of_file(u64::MAX)).is_err());
    }
}
