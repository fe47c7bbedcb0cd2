//! The LZ kind of segment: a general dictionary coder over bytes, for text and padded tables at the static
//! levels, where repeats matter more than the distribution of single values.
//!
//! Coded segment: one byte with the library (bits 0–3: 0 zstd, 1 LZMA) and the arrangement of the bytes
//! (bits 4–7: 0 as they are, 1 columns: field by field, each with all its records, 2 planes: byte k of every
//! group of four together), then the library's stream: a zstd frame, or a raw LZMA2 stream with lc 0, lp 2,
//! pb 2 and a dictionary of the segment's size rounded up to a power of two (at least 4 KiB).

use liblzma::stream::{Action, Filters, LzmaOptions, Status, Stream};
use vxc_tokens::RecordLayout;

use crate::error::PredictError;

/// How a segment's bytes are arranged and coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LzPlan {
    library: Library,
    arrangement: Arrangement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Library {
    /// zstd at a level.
    Zstd(i32),
    /// LZMA2, preset 9e.
    Lzma,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrangement {
    Plain,
    Columns,
    Planes,
}

/// Bytes of a segment that a plan is chosen by.
const TRIAL_BYTES: usize = 1 << 18;

impl LzPlan {
    /// Plans worth a try at a level.
    fn candidates(level: u32, layout: Option<&RecordLayout>) -> Vec<Self> {
        let libraries: &[Library] = match level {
            0..=1 => &[Library::Zstd(3)],
            2 => &[Library::Zstd(12)],
            _ => &[Library::Zstd(19), Library::Lzma],
        };
        let arrangements: &[Arrangement] = match layout {
            Some(_) => &[Arrangement::Plain, Arrangement::Columns, Arrangement::Planes],
            None => &[Arrangement::Plain],
        };
        libraries
            .iter()
            .flat_map(|&library| {
                arrangements.iter().map(move |&arrangement| Self { library, arrangement })
            })
            .collect()
    }

    /// The plan that codes the start of `bytes` smallest, and the size of that start and of its code.
    ///
    /// # Errors
    /// [`PredictError::Library`] if a library fails.
    pub fn choose(
        level: u32,
        layout: Option<&RecordLayout>,
        bytes: &[u8],
    ) -> Result<(Self, usize, usize), PredictError> {
        let size = layout.map_or(1, |l| l.record_bytes);
        let trial = &bytes[..bytes.len().min(TRIAL_BYTES.max(size)) / size * size];
        let mut best: Option<(Self, usize)> = None;
        for plan in Self::candidates(level, layout) {
            let coded = encode(plan, layout, trial)?.len();
            if best.is_none_or(|(_, b)| coded < b) {
                best = Some((plan, coded));
            }
        }
        let (plan, coded) = best.ok_or(PredictError::Library("no plan"))?;
        Ok((plan, trial.len(), coded))
    }
}

/// Codes a segment.
///
/// # Errors
/// [`PredictError::Library`] if the library fails.
pub fn encode(
    plan: LzPlan,
    layout: Option<&RecordLayout>,
    bytes: &[u8],
) -> Result<Vec<u8>, PredictError> {
    let (arranged, arrangement) = match (plan.arrangement, layout) {
        (Arrangement::Columns, Some(l)) => (columns(l, bytes), 1u8),
        (Arrangement::Planes, _) => (planes(bytes), 2),
        _ => (bytes.to_vec(), 0),
    };
    let (library, stream) = match plan.library {
        Library::Zstd(level) => (
            0,
            zstd::bulk::compress(&arranged, level)
                .map_err(|_| PredictError::Library("zstd compression"))?,
        ),
        Library::Lzma => (1, lzma(&arranged)?),
    };
    let mut out = Vec::with_capacity(stream.len() + 1);
    out.push(library | arrangement << 4);
    out.extend_from_slice(&stream);
    Ok(out)
}

/// Decodes a segment: fills `out`. The library's stream ends where `coded` ends.
///
/// # Errors
/// [`PredictError`] if the stream is damaged or does not hold exactly `out.len()` bytes.
pub fn decode(
    layout: Option<&RecordLayout>,
    coded: &[u8],
    out: &mut [u8],
) -> Result<(), PredictError> {
    let (&head, stream) = coded.split_first().ok_or(PredictError::Corrupt("empty segment"))?;
    match head & 15 {
        0 => {
            let n = zstd_frame(stream)?;
            if n != stream.len() {
                return Err(PredictError::Corrupt("bytes after the zstd frame"));
            }
            let got = zstd::bulk::decompress_to_buffer(stream, out)
                .map_err(|_| PredictError::Library("zstd decompression"))?;
            if got != out.len() {
                return Err(PredictError::Corrupt("length of the zstd frame"));
            }
        }
        1 => unlzma(stream, out)?,
        _ => return Err(PredictError::Corrupt("library of an lz segment")),
    }
    match (head >> 4, layout) {
        (0, _) => {}
        (1, Some(l)) => {
            let arranged = out.to_vec();
            uncolumns(l, &arranged, out);
        }
        (2, _) => {
            let arranged = out.to_vec();
            unplanes(&arranged, out);
        }
        _ => return Err(PredictError::Corrupt("arrangement of an lz segment")),
    }
    Ok(())
}

/// Length of the frame at the start of `stream`.
fn zstd_frame(stream: &[u8]) -> Result<usize, PredictError> {
    zstd::zstd_safe::find_frame_compressed_size(stream)
        .ok()
        .filter(|&n| n <= stream.len())
        .ok_or(PredictError::Corrupt("zstd frame"))
}

fn filters(len: usize) -> Result<Filters, PredictError> {
    let mut options = LzmaOptions::new_preset(9 | liblzma::stream::PRESET_EXTREME)
        .map_err(|_| PredictError::Library("LZMA preset"))?;
    let dictionary = u32::try_from(len.next_power_of_two().max(4096)).unwrap_or(1 << 30);
    options
        .dict_size(dictionary.min(1 << 30))
        .literal_context_bits(0)
        .literal_position_bits(2)
        .position_bits(2);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    Ok(filters)
}

fn lzma(bytes: &[u8]) -> Result<Vec<u8>, PredictError> {
    let failed = |_| PredictError::Library("LZMA compression");
    let mut stream = Stream::new_raw_encoder(&filters(bytes.len())?).map_err(failed)?;
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 8 + 1024);
    loop {
        let done = stream.total_in() as usize;
        let status =
            stream.process_vec(&bytes[done..], &mut out, Action::Finish).map_err(failed)?;
        if status == Status::StreamEnd {
            return Ok(out);
        }
        out.reserve(64 * 1024);
    }
}

fn unlzma(stream: &[u8], out: &mut [u8]) -> Result<(), PredictError> {
    let failed = |_| PredictError::Library("LZMA decompression");
    let mut decoder = Stream::new_raw_decoder(&filters(out.len())?).map_err(failed)?;
    loop {
        let (read, written) = (decoder.total_in() as usize, decoder.total_out() as usize);
        let status = decoder
            .process(&stream[read..], &mut out[written..], Action::Finish)
            .map_err(failed)?;
        let (read_now, written_now) = (decoder.total_in() as usize, decoder.total_out() as usize);
        if status == Status::StreamEnd {
            if written_now != out.len() || read_now != stream.len() {
                return Err(PredictError::Corrupt("length of the LZMA stream"));
            }
            return Ok(());
        }
        if read_now == read && written_now == written {
            return Err(PredictError::Corrupt("LZMA stream"));
        }
    }
}

/// Fields one after the other, each with all its records; bytes after the last whole record stay last.
fn columns(layout: &RecordLayout, bytes: &[u8]) -> Vec<u8> {
    let whole = bytes.len() / layout.record_bytes * layout.record_bytes;
    let mut out = Vec::with_capacity(bytes.len());
    for f in &layout.fields {
        let range = f.offset..f.offset + f.kind.bytes();
        for record in bytes[..whole].chunks_exact(layout.record_bytes) {
            out.extend_from_slice(&record[range.clone()]);
        }
    }
    out.extend_from_slice(&bytes[whole..]);
    out
}

fn uncolumns(layout: &RecordLayout, arranged: &[u8], out: &mut [u8]) {
    let size = layout.record_bytes;
    let whole = out.len() / size * size;
    let mut source = arranged.iter();
    for f in &layout.fields {
        let range = f.offset..f.offset + f.kind.bytes();
        for record in out[..whole].chunks_exact_mut(size) {
            for (to, from) in record[range.clone()].iter_mut().zip(&mut source) {
                *to = *from;
            }
        }
    }
    out[whole..].copy_from_slice(&arranged[whole..]);
}

/// Bytes k, k + 4, k + 8, … for k in 0..4.
fn planes(bytes: &[u8]) -> Vec<u8> {
    (0..4).flat_map(|k| bytes.iter().skip(k).step_by(4)).copied().collect()
}

fn unplanes(arranged: &[u8], out: &mut [u8]) {
    let mut source = arranged.iter();
    for k in 0..4 {
        for (to, from) in out.iter_mut().skip(k).step_by(4).zip(&mut source) {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vxc_tokens::{Endian, Kind};

    fn plans() -> Vec<LzPlan> {
        let layout = RecordLayout::array(Kind::F32, Endian::Little, 3).unwrap();
        LzPlan::candidates(3, Some(&layout))
            .into_iter()
            .chain(LzPlan::candidates(1, Some(&layout)))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn decode_is_the_inverse(bytes in prop::collection::vec(0u8..4, 0..600)) {
            let layout = RecordLayout::array(Kind::F32, Endian::Little, 3).unwrap();
            for plan in plans() {
                let mut coded = encode(plan, Some(&layout), &bytes).unwrap();
                let mut back = vec![1; bytes.len()];
                decode(Some(&layout), &coded, &mut back).unwrap();
                prop_assert_eq!(&back, &bytes);
                let mut wrong = vec![0; bytes.len() + 1];
                prop_assert!(decode(Some(&layout), &coded, &mut wrong).is_err());
                // Nothing may follow, not even a zero.
                coded.push(0);
                prop_assert!(decode(Some(&layout), &coded, &mut back).is_err());
            }
        }

        #[test]
        fn hostile_bytes_give_errors(head: u8, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let layout = RecordLayout::array(Kind::F32, Endian::Little, 3).unwrap();
            let coded = [&[head], &bytes[..]].concat();
            for layout in [None, Some(&layout)] {
                let known = head & 15 <= 1 && head >> 4 <= 2 && (head >> 4 != 1 || layout.is_some());
                // Of a whole number of records, and of none.
                for len in [96, 100] {
                    let decoded = decode(layout, &coded, &mut vec![0; len]);
                    prop_assert!(known || decoded.is_err());
                }
            }
        }

        /// A right stream under every head, so that each arrangement is undone.
        #[test]
        fn arrangements_of_a_right_stream(bytes in prop::collection::vec(0u8..4, 96..=100)) {
            let layout = RecordLayout::array(Kind::F32, Endian::Little, 3).unwrap();
            for plan in plans() {
                let mut coded = encode(plan, Some(&layout), &bytes).unwrap();
                for head in 0..=255u8 {
                    let stream = coded[0] & 15;
                    coded[0] = head & 0xf0 | stream;
                    let back = decode(Some(&layout), &coded, &mut vec![0; bytes.len()]);
                    prop_assert_eq!(back.is_ok(), head >> 4 <= 2);
                }
            }
        }
    }
}
