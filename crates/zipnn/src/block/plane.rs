//! Planes of bytes, each coded by what it contains: as it is, as one value, by rANS, two bytes at a time, or by Zstandard.

use vxc_entropy::{DecTable, RansDecoder};
use vxc_infer::Isa;

use super::{Effort, repeats, unzstd};
use crate::error::WeightsError;
use crate::pairs::{PairDecoder, Pairs};
use crate::planes::{self, CHUNK};
use crate::rans;

/// Below this, a plane's saving is not worth the time to decode it: 1 part in this many.
const WORTH: u64 = 256;

/// At the fastest level pairs may cost this part of a plane more than single bytes.
const PAIRS_MAY_COST: u64 = 256;

/// Ways of coding a plane.
const STORED: u8 = 0;
const CONSTANT: u8 = 1;
const RANS: u8 = 2;
const ZSTD: u8 = 3;
const PAIRS: u8 = 4;

/// Codes planes one after the other, each by what it contains.
pub(crate) fn encode_planes(planes: &[Vec<u8>], effort: Effort, out: &mut Vec<u8>) {
    for plane in planes {
        encode_plane(plane, effort, out);
    }
}

fn encode_plane(plane: &[u8], effort: Effort, out: &mut Vec<u8>) {
    let counts = rans::count(plane);
    if let (1, Some(&value)) = (counts.iter().filter(|&&c| c > 0).count(), plane.first()) {
        out.extend([CONSTANT, value]);
        return;
    }
    let stored = plane.len() as u64 * 8;
    let cost = rans::cost_bits(&counts);
    let worth = cost + stored / WORTH < stored;
    // Runs are what pruning and rounding leave.
    if worth
        && (effort == Effort::Mixed || repeats(plane, cost as usize / 8))
        && let Ok(coded) = zstd::bulk::compress(plane, 19)
        && (coded.len() as u64) * 8 < cost
    {
        out.push(ZSTD);
        rans::put_bytes(&coded, out);
    } else if worth {
        // Neighbours may say something of each other; at the fastest level half the steps are worth a little, too.
        let may_cost = if effort == Effort::Planes { stored / PAIRS_MAY_COST } else { 0 };
        let pairs = Pairs::of(plane, &counts);
        if pairs.cost_bits() < cost + may_cost {
            out.push(PAIRS);
            pairs.put(out);
            return;
        }
        out.push(RANS);
        rans::encode(plane, &counts, out);
    } else {
        out.push(STORED);
        out.extend_from_slice(plane);
    }
}

/// A plane that is decoded as it is read.
enum Plane<'a> {
    /// Lies in the coded bytes.
    Stored(&'a [u8]),
    /// One byte again and again.
    Constant(u8),
    /// Comes out of a coder.
    Rans(Box<(DecTable, RansDecoder<'a>)>),
    /// Comes out of a coder two at a time.
    Pairs(Box<PairDecoder<'a>>),
    /// Was decoded: the bytes, and how many were read.
    Whole(Vec<u8>, usize),
}

impl<'a> Plane<'a> {
    fn take(input: &mut &'a [u8], n: usize) -> Result<Self, WeightsError> {
        let way = rans::take(input, 1)?.first().copied().unwrap_or_default();
        Ok(match way {
            STORED => Self::Stored(rans::take(input, n)?),
            CONSTANT => Self::Constant(rans::take(input, 1)?.first().copied().unwrap_or_default()),
            RANS => {
                let table = DecTable::new(&rans::take_table(input, 256)?);
                Self::Rans(Box::new((table, RansDecoder::new(rans::take_bytes(input)?)?)))
            }
            PAIRS => Self::Pairs(Box::new(PairDecoder::take(input)?)),
            ZSTD => {
                let mut plane = vec![0; n];
                unzstd(rans::take_bytes(input)?, &mut plane)?;
                Self::Whole(plane, 0)
            }
            _ => return Err(WeightsError::corrupt("unknown way of coding a plane")),
        })
    }

    /// Passes over a plane of `n` bytes.
    fn skip(input: &mut &[u8], n: usize) -> Result<(), WeightsError> {
        match rans::take(input, 1)?.first() {
            Some(&STORED) => rans::take(input, n).map(|_| ()),
            Some(&CONSTANT) => rans::take(input, 1).map(|_| ()),
            Some(&ZSTD) => rans::take_bytes(input).map(|_| ()),
            Some(&way @ (RANS | PAIRS)) => {
                if way == PAIRS {
                    rans::take_bytes(input)?;
                    rans::take_bytes(input)?;
                }
                rans::take_table(input, 256)?;
                rans::take_bytes(input).map(|_| ())
            }
            _ => Err(WeightsError::corrupt("unknown way of coding a plane")),
        }
    }

    /// The next `n` bytes, in `buffer` where they do not lie anywhere yet.
    fn next<'b>(&'b mut self, n: usize, buffer: &'b mut [u8; CHUNK]) -> &'b [u8] {
        let buffer = buffer.get_mut(..n).unwrap_or_default();
        match self {
            Self::Stored(bytes) => {
                let (head, rest) = bytes.split_at_checked(n).unwrap_or((bytes, &[]));
                *bytes = rest;
                head
            }
            Self::Constant(value) => {
                buffer.fill(*value);
                buffer
            }
            Self::Rans(of) => {
                let (table, coder) = &mut **of;
                Isa::current().run(rans::Run { coder, table, out: buffer });
                buffer
            }
            Self::Pairs(of) => {
                of.next(&mut [0; CHUNK / 2], buffer);
                buffer
            }
            Self::Whole(bytes, at) => {
                let from = *at;
                *at += n;
                bytes.get(from..*at).unwrap_or_default()
            }
        }
    }
}

/// The last planes of a block, decoded side by side.
pub(crate) struct Planes<'a> {
    planes: Vec<Plane<'a>>,
    buffers: Box<[[u8; CHUNK]; 8]>,
}

impl<'a> Planes<'a> {
    /// Reads `count` planes (at most 8) of `n` bytes.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`] for what [`encode_planes`] does not write.
    pub fn take(input: &mut &'a [u8], count: usize, n: usize) -> Result<Self, WeightsError> {
        let planes = (0..count).map(|_| Plane::take(input, n)).collect::<Result<_, _>>()?;
        Ok(Self { planes, buffers: Box::new([[0; CHUNK]; 8]) })
    }

    /// Merges the next bytes of `before` and of all planes into `out`, which takes at most [`CHUNK`] elements.
    pub fn merge(&mut self, before: &[&[u8]], rotate: bool, out: &mut [u8]) {
        let n = out.len() / (before.len() + self.planes.len()).max(1);
        let mut views: [&[u8]; 8] = [&[]; 8];
        let (first, rest) = views.split_at_mut(before.len().min(8));
        first.copy_from_slice(before);
        let decoded = self.planes.iter_mut().zip(self.buffers.iter_mut());
        let mut count = first.len();
        for (view, (plane, buffer)) in rest.iter_mut().zip(decoded) {
            *view = plane.next(n, buffer);
            count += 1;
        }
        planes::merge(views.get(..count).unwrap_or_default(), rotate, out);
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`] if a coder was not at its end.
    pub fn finish(self) -> Result<(), WeightsError> {
        for plane in self.planes {
            match plane {
                Plane::Rans(of) => of.1.finish()?,
                Plane::Pairs(of) => of.finish()?,
                Plane::Stored(_) | Plane::Constant(_) | Plane::Whole(..) => {}
            }
        }
        Ok(())
    }

    /// Passes over one plane.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`] for what [`encode_planes`] does not write.
    pub fn skip(input: &mut &[u8], n: usize) -> Result<(), WeightsError> {
        Plane::skip(input, n)
    }

    /// One plane as a whole.
    ///
    /// # Errors
    /// [`WeightsError::Corrupt`] for what [`encode_planes`] does not write.
    pub fn whole(input: &mut &'a [u8], n: usize) -> Result<Vec<u8>, WeightsError> {
        let mut planes = Self::take(input, 1, n)?;
        let mut out = vec![0; n];
        for chunk in out.chunks_mut(CHUNK) {
            planes.merge(&[], false, chunk);
        }
        planes.finish()?;
        Ok(out)
    }
}
