//! LZF, the fast filter of h5py (number 32000).
//!
//! ```text
//! literal := 000lllll · l+1 bytes
//! match   := lllooooo · [l' if lll = 7] · o'        length lll + l' + 2, distance ooooo·256 + o' + 1
//! ```
//! Source: liblzf 3.6, `lzf_d.c`.

use crate::error::DataError;

/// Decodes a block; its length must come out as at most `limit`.
///
/// # Errors
/// [`DataError::Corruption`].
pub(crate) fn decode(data: &[u8], limit: usize) -> Result<Vec<u8>, DataError> {
    let cut = || DataError::corrupt("LZF: the block ends too early");
    let mut out: Vec<u8> = Vec::with_capacity(limit.min(data.len().saturating_mul(4)));
    let mut rest = data;
    while let Some((&control, after)) = rest.split_first() {
        rest = after;
        if control < 32 {
            let (literal, after) =
                rest.split_at_checked(usize::from(control).saturating_add(1)).ok_or_else(cut)?;
            out.extend_from_slice(literal);
            rest = after;
        } else {
            let mut length = usize::from(control >> 5);
            if length == 7 {
                let (&more, after) = rest.split_first().ok_or_else(cut)?;
                length = length.saturating_add(usize::from(more));
                rest = after;
            }
            let (&low, after) = rest.split_first().ok_or_else(cut)?;
            rest = after;
            let distance = usize::from(u16::from_be_bytes([control & 31, low])).saturating_add(1);
            let from = out.len().checked_sub(distance);
            let from = from.ok_or_else(|| DataError::corrupt("LZF: a match before the start"))?;
            // Source and target may overlap: byte by byte.
            for at in from..from.saturating_add(length).saturating_add(2) {
                let byte = out.get(at).copied().unwrap_or_default();
                out.push(byte);
            }
        }
        if out.len() > limit {
            return Err(DataError::corrupt("LZF: the block is longer than its chunk"));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_matches() {
        // "ab", then 5 bytes from 2 back, then 12 bytes from 1 back.
        let data = [1, b'a', b'b', 3 << 5, 1, 7 << 5, 3, 0];
        assert_eq!(decode(&data, 64).unwrap(), b"abababaaaaaaaaaaaaa");
        assert!(decode(&data, 18).is_err());
        for cut in [1, 2, 4, 6, 7] {
            assert!(decode(&data[..cut], 64).is_err(), "{cut}");
        }
        assert!(decode(&[1 << 5, 0], 64).is_err());
    }
}
