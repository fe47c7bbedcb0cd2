//! Elements as planes of bytes, the most significant first, and back.
//!
//! Floats are rotated left by one bit before: the sign goes to the bottom, so that the first plane is the exponent (of
//! f32 and bf16 exactly, of f16 with three bits of mantissa, of f64 its upper eight bits).

use vxc_infer::{Isa, Task};

/// Elements that are merged at a time: their planes stay in the first cache.
pub(crate) const CHUNK: usize = 4096;

/// Splitting into planes, and merging of planes into words, for one width.
macro_rules! width {
    ($split:ident, $merge:ident, $word:ty, $n:literal, $($plane:ident)+) => {
        fn $split(raw: &[u8], turn: u32, planes: &mut [Vec<u8>; $n]) {
            let words = raw.as_chunks::<$n>().0;
            for (i, plane) in planes.iter_mut().enumerate() {
                let shift = 8 * ($n - 1 - i);
                plane.extend(words.iter().map(|w| {
                    (<$word>::from_le_bytes(*w).rotate_left(turn) >> shift) as u8
                }));
            }
        }

        #[inline(always)]
        fn $merge<const TURN: u32>([$($plane),+]: [&[u8]; $n], out: &mut [u8]) {
            // Zipped slices: no check within the loop, so it becomes vector code.
            let words = out.as_chunks_mut::<$n>().0.iter_mut();
            for (word, zipped!($($plane)+)) in words.zip(zip!($($plane)+)) {
                let mut value: $word = 0;
                $(value = value.wrapping_shl(8) | <$word>::from(*$plane);)+
                *word = value.rotate_right(TURN).to_le_bytes();
            }
        }
    };
}

/// Slices side by side, and the pattern of what they give.
macro_rules! zip {
    ($last:ident) => { $last };
    ($first:ident $($rest:ident)+) => { $first.iter().zip(zip!($($rest)+)) };
}
macro_rules! zipped {
    ($last:ident) => { $last };
    ($first:ident $($rest:ident)+) => { ($first, zipped!($($rest)+)) };
}

width!(split2, merge2, u16, 2, a b);
width!(split4, merge4, u32, 4, a b c d);
width!(split8, merge8, u64, 8, a b c d e f g h);

/// Splits whole elements of `width` bytes (1, 2, 4 or 8) into as many planes.
pub(crate) fn split(raw: &[u8], width: usize, rotate: bool) -> Vec<Vec<u8>> {
    let turn = u32::from(rotate);
    let n = raw.len() / width.max(1);
    let fresh = || Vec::with_capacity(n);
    match width {
        2 => {
            let mut planes = [fresh(), fresh()];
            split2(raw, turn, &mut planes);
            planes.into()
        }
        4 => {
            let mut planes = std::array::from_fn(|_| fresh());
            split4(raw, turn, &mut planes);
            planes.into()
        }
        8 => {
            let mut planes = std::array::from_fn(|_| fresh());
            split8(raw, turn, &mut planes);
            planes.into()
        }
        _ => vec![raw.to_vec()],
    }
}

/// Puts planes of equal length together again: the inverse of [`split`]. `out` is as long as they are together.
pub(crate) fn merge(planes: &[&[u8]], rotate: bool, out: &mut [u8]) {
    Isa::current().run(Merge { planes, rotate, out });
}

/// Merging, compiled for each instruction set.
pub(crate) struct Merge<'a> {
    pub planes: &'a [&'a [u8]],
    pub rotate: bool,
    pub out: &'a mut [u8],
}

impl Task for Merge<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match (self.planes, self.rotate) {
            (&[a, b], true) => merge2::<1>([a, b], self.out),
            (&[a, b], false) => merge2::<0>([a, b], self.out),
            (&[a, b, c, d], true) => merge4::<1>([a, b, c, d], self.out),
            (&[a, b, c, d], false) => merge4::<0>([a, b, c, d], self.out),
            (&[a, b, c, d, e, f, g, h], true) => merge8::<1>([a, b, c, d, e, f, g, h], self.out),
            (&[a, b, c, d, e, f, g, h], false) => merge8::<0>([a, b, c, d, e, f, g, h], self.out),
            ([only], _) => self.out.copy_from_slice(only),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_exponent_comes_first() {
        let planes = split(&1.5f32.to_le_bytes(), 4, true);
        assert_eq!(planes, [[127], [0x80], [0], [0]]);
        let planes = split(&(-1.0f32).to_le_bytes(), 4, true);
        assert_eq!(planes, [[127], [0], [0], [1]]);
    }

    proptest! {
        #[test]
        fn inverse(bytes: Vec<u8>, width in prop::sample::select(vec![1usize, 2, 4, 8]), rotate: bool) {
            let rotate = rotate && width > 1;
            let raw = &bytes[..bytes.len() / width * width];
            let planes = split(raw, width, rotate);
            prop_assert_eq!(planes.len(), width);
            let views: Vec<&[u8]> = planes.iter().map(|p| &p[..]).collect();
            let mut out = vec![0; raw.len()];
            merge(&views, rotate, &mut out);
            prop_assert_eq!(&out[..], raw);
        }
    }
}
