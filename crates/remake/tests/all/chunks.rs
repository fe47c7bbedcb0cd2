//! Chunks as HDF5 files have them, made up: shuffled, summed, compressed, damaged; through the form and back.

use proptest::prelude::*;
use std::io::Cursor;
use vxc_remake::codec::{Codec, remake};
use vxc_remake::content::Shape;
use vxc_remake::content::shuffle::{Sums, append_sum, join};
use vxc_remake::scan::{Item, Piece, Plan, ValueKind};
use vxc_remake::{Limits, RemakeError, Tally, pack, unpack};
use vxc_tokens::layout::{Endian, Kind};

/// A chunk to be made up.
#[derive(Clone, Debug)]
struct Chunk {
    codec: Codec,
    unit: usize,
    sums: u8,
    values: Vec<u8>,
    /// Zeros behind the values, and how many the plan expects.
    padding: [usize; 2],
    column: usize,
    /// Bytes that no chunk has, behind it.
    gap: u8,
    /// A byte of the stored ones that is damaged, if there are as many.
    damage: Option<usize>,
}

fn chunk() -> impl Strategy<Value = Chunk> {
    let codecs =
        prop_oneof![Just(Codec::Stored), Just(Codec::Zlib), Just(Codec::Zstd), Just(Codec::Lzf)];
    let values = (proptest::collection::vec(0u16..50, 0..300), 0usize..4);
    (
        (codecs, 1usize..10, 0u8..8, 0usize..3, 0u8..9),
        values,
        [0usize..20, 0usize..20],
        proptest::option::weighted(0.2, 0usize..300),
    )
        .prop_map(|((codec, unit, sums, column, gap), (numbers, odd), padding, damage)| {
            let mut values: Vec<u8> = numbers.into_iter().flat_map(u16::to_le_bytes).collect();
            values.extend((0..odd).map(|i| i as u8));
            Chunk { codec, unit, sums, values, padding, column, gap, damage }
        })
}

fn file(chunks: &[Chunk]) -> (Vec<u8>, Plan, u64) {
    let mut file = b"head".to_vec();
    let mut items = vec![Item { offset: 0, bytes: 4, piece: None }];
    let mut whole = 0;
    for chunk in chunks {
        let sums = Sums::of_number(chunk.sums).unwrap();
        let content = join(&chunk.values, chunk.padding[0], chunk.unit, sums);
        let setting = match chunk.codec {
            Codec::Zlib => 4 + 16 * (chunk.unit as u8 % 4),
            Codec::Zstd => 3,
            _ => 0,
        };
        let Some(mut stored) = remake(chunk.codec, setting, &content).unwrap() else { continue };
        if sums.has(Sums::STORED) {
            append_sum(&mut stored);
        }
        let damaged = chunk.damage.and_then(|at| stored.get_mut(at)).map(|byte| *byte ^= 1);
        whole += u64::from(damaged.is_none() && chunk.codec != Codec::Stored);
        let piece = Piece {
            key_bytes: 0,
            codec: Some(chunk.codec),
            stream: None,
            framed: false,
            content_bytes: content.len() as u64,
            column: chunk.column,
            kind: ValueKind::Numbers(Kind::U16, Endian::Little, 1),
            shape: Shape::Shuffled { unit: chunk.unit, sums, padding: chunk.padding[1] as u64 },
            counts: false,
        };
        let (offset, bytes) = (file.len() as u64, stored.len() as u64);
        items.push(Item { offset, bytes, piece: Some(piece) });
        file.extend(&stored);
        items.push(Item { offset: offset + bytes, bytes: chunk.gap.into(), piece: None });
        file.extend(vec![7; chunk.gap.into()]);
    }
    (file, Plan { container: 3, items, ..Plan::default() }, whole)
}

fn form(file: &[u8], plan: &Plan) -> (Vec<u8>, Tally) {
    let mut form = Vec::new();
    let tally = pack(&mut Cursor::new(file), plan, |group| {
        group.iter().for_each(|section| form.extend_from_slice(&section.bytes));
        Ok::<_, RemakeError>(())
    });
    (form, tally.unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_file_comes_back(chunks in proptest::collection::vec(chunk(), 0..12)) {
        let (file, plan, whole) = file(&chunks);
        let (form, tally) = form(&file, &plan);
        prop_assert!(tally.remade >= whole, "{} of {}", tally.remade, whole);
        let mut back = Vec::new();
        unpack(&form[..], &mut back, Limits::of_file(file.len() as u64)).unwrap();
        prop_assert!(back == file);
    }

    #[test]
    fn damaged_forms_do_not_panic(
        chunks in proptest::collection::vec(chunk(), 1..4),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let (file, plan, _) = file(&chunks);
        let (mut form, _) = form(&file, &plan);
        let at = at.index(form.len());
        form[at] ^= 1 << bit;
        let _ = unpack(&form[..], std::io::sink(), Limits::of_file(file.len() as u64 + 64));
    }
}
