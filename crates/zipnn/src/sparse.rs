//! Tensors with many zeros: a bitmap of what is not zero, and a block of the rest.
//!
//! Form: the byte of the [`Form`]; the bitmap (one bit an element, lowest first) as a plane; varint length of the inner
//! block; the inner block.

use vxc_entropy::write_varint;

use crate::block::{Effort, Form, Planes, encode_planes, take_len};
use crate::error::WeightsError;

/// Elements that are not zero, and where they are.
pub(crate) struct Packed {
    bitmap: Vec<u8>,
    rest: Vec<u8>,
}

/// Takes the zeros out; none if there are too few (below 1 in 16) or nothing else.
pub(crate) fn pack(raw: &[u8], width: usize) -> Option<Packed> {
    let elements = raw.len() / width.max(1);
    let zero = |e: &&[u8]| e.iter().all(|&b| b == 0);
    let zeros = raw.chunks_exact(width).filter(zero).count();
    if zeros * 16 < elements || zeros == elements {
        return None;
    }
    let mut bitmap = vec![0u8; elements.div_ceil(8)];
    let mut rest = Vec::with_capacity((elements - zeros) * width);
    for (eight, bits) in raw.chunks(8 * width).zip(&mut bitmap) {
        for (i, e) in eight.chunks_exact(width).enumerate() {
            if !zero(&e) {
                *bits |= 1 << i;
                rest.extend_from_slice(e);
            }
        }
    }
    Some(Packed { bitmap, rest })
}

/// Codes what [`pack`] gave.
pub(crate) fn encode(
    packed: &Packed,
    form: Form,
    inner: impl Fn(&[u8]) -> Vec<u8>,
    out: &mut Vec<u8>,
) {
    form.put(out);
    encode_planes(std::slice::from_ref(&packed.bitmap), Effort::Mixed, out);
    write_varint(out, packed.rest.len() as u64);
    out.extend(inner(&packed.rest));
}

/// Decodes what [`encode`] wrote; `inner` decodes the inner block.
///
/// # Errors
/// [`WeightsError::Corrupt`] for anything else.
pub(crate) fn decode(
    input: &mut &[u8],
    out: &mut [u8],
    inner: impl Fn(&[u8], &mut [u8]) -> Result<(), WeightsError>,
) -> Result<(), WeightsError> {
    let form = Form::take(input, out.len())?;
    let elements = out.len() / form.width;
    let bitmap = Planes::whole(input, elements.div_ceil(8))?;
    let len = take_len(input, out.len())?;
    let ones: usize = bitmap.iter().map(|b| b.count_ones() as usize).sum();
    let spare = bitmap.last().is_some_and(|b| {
        let used = elements % 8;
        used != 0 && b >> used != 0
    });
    if len != ones * form.width || spare {
        return Err(WeightsError::corrupt("a bitmap does not fit its block"));
    }
    let mut rest = vec![0; len];
    inner(std::mem::take(input), &mut rest)?;
    let mut next = rest.chunks_exact(form.width);
    for (eight, bits) in out.chunks_mut(8 * form.width).zip(&bitmap) {
        for (i, to) in eight.chunks_exact_mut(form.width).enumerate() {
            match (bits >> i & 1 == 1).then(|| next.next()).flatten() {
                Some(from) => to.copy_from_slice(from),
                None => to.fill(0),
            }
        }
    }
    Ok(())
}

/// The inner block and its raw length, without decoding anything.
///
/// # Errors
/// [`WeightsError::Corrupt`] where there is none.
pub(crate) fn inner<'a>(
    input: &mut &'a [u8],
    raw: usize,
) -> Result<(&'a [u8], usize), WeightsError> {
    let form = Form::take(input, raw)?;
    Planes::skip(input, (raw / form.width).div_ceil(8))?;
    let len = take_len(input, raw)?;
    Ok((std::mem::take(input), len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_zeros_are_no_case() {
        assert!(pack(&[1; 64], 4).is_none() && pack(&[0; 64], 4).is_none());
        let packed = pack(&[0, 0, 1, 0, 0, 0, 0, 2], 2).unwrap();
        assert_eq!((&packed.bitmap[..], &packed.rest[..]), (&[0b1010][..], &[1, 0, 0, 2][..]));
    }

    #[test]
    fn impossible_bitmaps_are_refused() {
        let packed = pack(&[0, 0, 1, 0, 0, 0, 0, 2], 2).unwrap();
        let mut coded = Vec::new();
        encode(&packed, Form { width: 2, rotate: true }, <[u8]>::to_vec, &mut coded);
        let inner = |coded: &[u8], out: &mut [u8]| {
            out.copy_from_slice(coded);
            Ok(())
        };
        let mut out = [0; 8];
        decode(&mut &coded[..], &mut out, inner).unwrap();
        assert_eq!(out, [0, 0, 1, 0, 0, 0, 0, 2]);
        for (at, value) in [(2, 0b11010), (2, 0b1110), (3, 2)] {
            let mut bad = coded.clone();
            bad[at] = value;
            assert!(decode(&mut &bad[..], &mut out, inner).is_err());
        }
    }
}
