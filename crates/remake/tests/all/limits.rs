//! What a form may ask for: memory, and work. Forms made by hand that ask for more, and writers that stay below.

use std::io::{Cursor, Write};
use vxc_remake::codec::{Codec, remake};
use vxc_remake::content::Shape;
use vxc_remake::content::shuffle::{Sums, join};
use vxc_remake::form::{self, put};
use vxc_remake::scan::{Item, Piece, Plan, ValueKind};
use vxc_remake::{Limits, RemakeError, memory, pack, scan, unpack, unpack_damaged};

/// A group of one column of zeros.
fn group(recipe: &[u8], column: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for n in [recipe.len() as u64, 0, 1] {
        put(&mut out, n);
    }
    out.push(0);
    put(&mut out, column as u64);
    out.extend(recipe);
    out.resize(out.len() + column, 0);
    out
}

/// An op whose entries are `n` new lengths of a byte each, of values of a byte: flags with shape 1, stored, no bytes
/// of content, column 0, unit 1, new lengths of width 1 in column 0, and this tail.
fn entries(n: u64, content: u64, tail: u8) -> Vec<u8> {
    let mut op = vec![1 | 1 << form::SHAPE_SHIFT, 0];
    put(&mut op, content);
    op.extend([0, 1, 0, 1]);
    put(&mut op, n);
    op.extend([0, tail]);
    op
}

/// An op without content, whose entries are those of the last set.
const AGAIN: [u8; 7] = [1 | 1 << form::SHAPE_SHIFT, 0, 0, 1, 1, 1, 2];

fn made(form: &[u8], memory: u64) -> Result<u64, RemakeError> {
    unpack(form, std::io::sink(), Limits { file: u64::MAX, memory })
}

#[test]
fn sets_that_are_used_again_and_again_are_work() {
    // As many entries as all contents of a group may have bytes.
    let n = 1u64 << 20;
    let uses = form::MAX_GROUP / n;
    let form = |uses: u64| {
        let mut recipe = entries(n, 0, 2);
        recipe.extend(AGAIN.repeat(uses as usize - 1));
        group(&recipe, n as usize)
    };
    assert_eq!(made(&form(uses), memory::DEFAULT).unwrap(), 0);
    let refused = made(&form(uses + 1), memory::DEFAULT);
    let more = form::MAX_GROUP + n;
    assert!(
        matches!(refused, Err(RemakeError::LimitExceeded { needed, limit: form::MAX_GROUP }) if needed == more),
        "{refused:?}"
    );
    // A recipe with millions of them is refused at the same place: doing them would not end today.
    assert!(made(&form(1 << 21), memory::DEFAULT).is_err());
}

/// Where entries add to a content, its bytes count, not both.
#[test]
fn entries_within_a_content_are_no_further_work() {
    let n = 1u64 << 20;
    let content = 4 * n + 8;
    let uses = form::MAX_GROUP / content;
    let mut recipe = entries(n, content, 0);
    for _ in 1..uses {
        recipe.extend([1 | 1 << form::SHAPE_SHIFT, 0]);
        put(&mut recipe, content);
        recipe.extend([1, 1, 1, 0]);
    }
    assert_eq!(made(&group(&recipe, n as usize), memory::DEFAULT).unwrap(), uses * content);
}

#[test]
fn memory_is_checked_before_it_is_taken() {
    let zeros = 1usize << 20;
    let exceeded = |form: &[u8], memory: u64| match made(form, memory) {
        Err(RemakeError::MemoryExceeded { needed, limit }) => {
            assert!(needed > limit && limit == memory);
            let gaps = |range: std::ops::Range<u64>| range.end - range.start;
            let limits = Limits { file: u64::MAX, memory };
            let damaged = unpack_damaged(form, gaps, std::io::sink(), limits);
            assert!(matches!(damaged, Err(RemakeError::MemoryExceeded { .. })), "{damaged:?}");
            true
        }
        _ => false,
    };
    // Sections: all bytes of a column, stored as they are, and nothing more.
    let mut plain = vec![1, 0];
    put(&mut plain, zeros as u64);
    plain.push(0);
    let plain = group(&plain, zeros);
    assert!(exceeded(&plain, zeros as u64));
    assert_eq!(made(&plain, zeros as u64 + 4096).unwrap(), zeros as u64);
    // Contents that are put together: zeros behind no values, of which there are two copies, and an encoder.
    for (codec, setting) in
        [(Codec::Stored, 0), (Codec::Zlib, 6), (Codec::Lz4, 1), (Codec::Zstd, 19), (Codec::Lzma, 6)]
    {
        let mut padded = vec![(codec.number() + 1) | 3 << form::SHAPE_SHIFT, setting];
        put(&mut padded, zeros as u64);
        padded.extend([0, 4, form::PADDED]);
        put(&mut padded, zeros as u64);
        let padded = group(&padded, 0);
        let sums = Sums::default();
        let shape = Shape::Shuffled { unit: 4, sums, padding: zeros as u64 };
        let needed = memory::piece(codec, setting, false, shape, zeros as u64);
        assert!(needed >= 3 * zeros as u64);
        assert!(exceeded(&padded, needed), "{codec:?}");
        assert!(made(&padded, needed + 4096).unwrap() > 0, "{codec:?}");
    }
    // Sets without any lengths, and columns without any bytes.
    let mut sets = vec![1 | 1 << form::SHAPE_SHIFT, 0, 0, 0, 1, 0, 1, 0, 0, 2];
    sets.extend([1 | 1 << form::SHAPE_SHIFT, 0, 0, 1, 1, 0, 1, 0, 0, 2].repeat(40_000));
    let sets = group(&sets, 0);
    assert!(exceeded(&sets, 4 << 20));
    assert_eq!(made(&sets, 8 << 20).unwrap(), 0);
    let mut columns = vec![0, 0];
    put(&mut columns, form::MAX_COLUMNS);
    columns.resize(columns.len() + 2 * form::MAX_COLUMNS as usize, 0);
    assert!(exceeded(&columns, 64 << 20));
    // A part of a stream.
    let mut stream = vec![form::STREAM, form::FIRST | form::LAST, 6];
    put(&mut stream, zeros as u64);
    stream.push(0);
    let stream = group(&stream, zeros);
    assert!(exceeded(&stream, 2 * zeros as u64));
    assert!(made(&stream, 8 * zeros as u64).unwrap() > 0);
}

/// A form that claims much and holds little takes no time.
#[test]
fn claims_are_no_bytes() {
    let mut form = Vec::new();
    for n in [form::MAX_GROUP / 2, form::MAX_GROUP / 2, 0] {
        put(&mut form, n);
    }
    form.extend([0; 100]);
    assert!(matches!(made(&form, memory::DEFAULT), Err(RemakeError::InsufficientData)));
}

/// Packs by a plan, and makes it again; gives the form and the number of pieces made again.
fn round_trip(file: &[u8], plan: &Plan) -> (Vec<u64>, u64) {
    let (mut form, mut groups) = (Vec::new(), Vec::new());
    let tally = pack(&mut Cursor::new(file), plan, |group| {
        let before = form.len();
        group.iter().for_each(|section| form.extend_from_slice(&section.bytes));
        groups.push((form.len() - before) as u64);
        Ok::<_, RemakeError>(())
    });
    let mut back = Vec::new();
    unpack(&form[..], &mut back, Limits::of_file(file.len() as u64)).unwrap();
    assert!(back == file);
    (groups, tally.unwrap().remade)
}

/// What nothing opens may be longer than a group.
#[test]
fn kept_bytes_go_to_several_groups() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    gz.write_all(b"a member").unwrap();
    let mut file = gz.finish().unwrap();
    let mut state = 1u64;
    while (file.len() as u64) < form::MAX_GROUP + (20 << 20) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        file.extend(state.to_le_bytes());
    }
    let plan = scan(Cursor::new(file.clone())).unwrap().unwrap();
    let (groups, remade) = round_trip(&file, &plan);
    assert!(groups.len() == 2 && remade == 1, "{groups:?}");
}

/// More columns than a group may have, each with next to nothing.
#[test]
fn columns_go_to_several_groups() {
    let n = 70_000u64;
    let file = vec![7; n as usize];
    let item = |at: u64| {
        let piece = Piece {
            key_bytes: 0,
            codec: Some(Codec::Stored),
            stream: None,
            framed: false,
            content_bytes: 1,
            column: at as usize,
            kind: ValueKind::Bytes,
            shape: Shape::Plain,
            counts: false,
        };
        Item { offset: at, bytes: 1, piece: Some(piece) }
    };
    let plan = Plan { container: 3, items: (0..n).map(item).collect(), ..Plan::default() };
    assert!(round_trip(&file, &plan).0.len() > 1);
}

/// A block that takes too large an encoder is kept as it is.
#[test]
fn settings_that_take_too_much_are_not_used() {
    let content = vec![3; 20 << 20];
    let (setting, bytes) = (22, content.len() as u64);
    assert!(vxc_remake::codec::memory(Codec::Zstd, setting, bytes) > memory::ENCODER);
    let values = join(&content, 0, 1, Sums::default());
    let stored = remake(Codec::Zstd, setting, &values).unwrap().unwrap();
    let mut search = vxc_remake::codec::Search::default();
    // As if it had worked before, for a short one.
    let short = remake(Codec::Zstd, setting, &[1, 2, 3]).unwrap().unwrap();
    assert!(search.find(Codec::Zstd, &short, &[1, 2, 3]).unwrap().is_some());
    let found = search.find(Codec::Zstd, &stored, &values).unwrap();
    assert!(found.is_none_or(|found| {
        vxc_remake::codec::memory(Codec::Zstd, found, bytes) <= memory::ENCODER
    }));
}
