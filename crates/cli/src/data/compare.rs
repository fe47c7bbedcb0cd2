//! `data compare`: what two sources hold, bit for bit. How the files store it does not matter.

use std::collections::HashMap;
use std::fmt::Write as _;

use vxc::tokens::RecordLayout;
use vxc_data::arrays::Values;
use vxc_data::npy::write::descr_text;
use vxc_data::{ArrayInfo, DataError};

use super::arrays::Arrays;
use crate::args::CompareArgs;
use crate::console::{Console, hex, print};
use crate::failure::Failure;

/// Compares and gives the exit code: 0 where all is equal.
///
/// # Errors
/// What cannot be read.
pub fn run(how: &CompareArgs, console: &Console) -> Result<u8, Failure> {
    let (mut left, mut right) = (Arrays::open(&how.left)?, Arrays::open(&how.right)?);
    let pairs = pairs(&left, &right, how)?;
    let (mut equal, mut text) = (0u64, String::new());
    let mut differing = 0u64;
    for pair in pairs {
        let found = match pair {
            Pair::Both(a, b) => {
                let path = left.infos[a].path.clone();
                difference(&mut left, a, &mut right, b)?.map(|what| format!("{path}: {what}"))
            }
            Pair::Left(a) => Some(format!("{}: only in the first", left.infos[a].path)),
            Pair::Right(b) => Some(format!("{}: only in the second", right.infos[b].path)),
        };
        match found {
            None => equal += 1,
            Some(line) => {
                differing += 1;
                let line: String =
                    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
                let _ = writeln!(text, "{line}");
            }
        }
    }
    for (side, arrays) in [("first", &left), ("second", &right)] {
        if !arrays.refused.is_empty() {
            let n = arrays.refused.len();
            console.note(&format!(
                "{n} columns or arrays of the {side} cannot be read and were not compared"
            ));
        }
    }
    let _ = writeln!(text, "{equal} arrays equal, {differing} differ");
    print(&text)?;
    Ok(u8::from(differing > 0))
}

enum Pair {
    Both(usize, usize),
    Left(usize),
    Right(usize),
}

/// Arrays of one path belong together; where there is one on each side, whatever it is called.
fn pairs(left: &Arrays, right: &Arrays, how: &CompareArgs) -> Result<Vec<Pair>, Failure> {
    let alone = left.infos.len() == 1 && right.infos.len() == 1 && how.only.is_empty();
    if alone {
        return Ok(vec![Pair::Both(0, 0)]);
    }
    let (a, b) = (left.chosen(&how.only)?, right.chosen(&how.only)?);
    let mut by_path: HashMap<&str, usize> =
        b.iter().map(|&at| (right.infos[at].path.as_str(), at)).collect();
    let mut out: Vec<Pair> = a
        .iter()
        .map(|&at| {
            let path = left.infos[at].path.as_str();
            // As rebuild writes a table that has arrays below it.
            let other =
                by_path.remove(path).or_else(|| by_path.remove(format!("{path}/rows").as_str()));
            other
                .or_else(|| by_path.remove(path.strip_suffix("/rows")?))
                .map_or(Pair::Left(at), |b| Pair::Both(at, b))
        })
        .collect();
    let mut rest: Vec<usize> = by_path.into_values().collect();
    rest.sort_unstable();
    out.extend(rest.into_iter().map(Pair::Right));
    Ok(out)
}

fn difference(
    left: &mut Arrays,
    a: usize,
    right: &mut Arrays,
    b: usize,
) -> Result<Option<String>, Failure> {
    let (one, other) = (left.infos[a].clone(), right.infos[b].clone());
    // Names of an enumeration and words for opaque bytes are not kept by every format; the bits are.
    let same_type = one.dtype == other.dtype || descr_text(&one.dtype) == descr_text(&other.dtype);
    if !same_type {
        return Ok(Some(format!("{} and {}", one.dtype.label(), other.dtype.label())));
    }
    let (shape, other_shape) = (left.shape(a)?, right.shape(b)?);
    if shape != other_shape {
        return Ok(Some(format!("shapes {shape:?} and {other_shape:?}")));
    }
    let width = one.dtype.bytes.max(1);
    let mut streams = [Stream::new(left.values(a)?), Stream::new(right.values(b)?)];
    let (mut row, mut differing) = (0u64, 0u64);
    let mut first = None;
    loop {
        let n = {
            let [x, y] = &mut streams;
            let n = x.fill(width)?.min(y.fill(width)?);
            let (p, q) = (x.bytes(n), y.bytes(n));
            if p != q {
                for (i, (p, q)) in p.chunks(width).zip(q.chunks(width)).enumerate() {
                    if p != q {
                        differing += 1;
                        first.get_or_insert_with(|| place(&one, row + i as u64, p, q));
                    }
                }
            }
            n
        };
        if n == 0 {
            break;
        }
        row += (n / width) as u64;
        streams.iter_mut().for_each(|stream| stream.at += n);
    }
    let [x, y] = &mut streams;
    if x.fill(1)? != y.fill(1)? {
        return Ok(Some("different numbers of values".into()));
    }
    Ok(first.map(|first| format!("{differing} elements differ, the first {first}")))
}

/// Where two elements differ, and how.
fn place(info: &ArrayInfo, row: u64, p: &[u8], q: &[u8]) -> String {
    let at = p.iter().zip(q).position(|(p, q)| p != q).unwrap_or(0);
    let layout: Option<RecordLayout> = info.dtype.layout(1);
    let field = layout.as_ref().and_then(|l| {
        l.fields.iter().find(|f| (f.offset..f.offset + f.kind.bytes()).contains(&at))
    });
    match field {
        Some(f) => {
            let range = f.offset..f.offset + f.kind.bytes();
            let name = if f.name.is_empty() { String::new() } else { format!(" in {}", f.name) };
            format!("at {row}{name}: bytes {} and {}", hex(&p[range.clone()]), hex(&q[range]))
        }
        None => format!("at {row}, byte {at}: {:02x} and {:02x}", p[at], q[at]),
    }
}

/// Values as bytes that can be looked at some at a time.
struct Stream<'a> {
    values: Values<'a>,
    buffer: Vec<u8>,
    at: usize,
}

impl<'a> Stream<'a> {
    fn new(values: Values<'a>) -> Self {
        Self { values, buffer: Vec::new(), at: 0 }
    }

    /// Bytes at hand, whole elements of `width`; 0 at the end.
    fn fill(&mut self, width: usize) -> Result<usize, DataError> {
        while self.buffer.len() - self.at < width {
            let Some(next) = self.values.next() else { break };
            self.buffer.drain(..self.at);
            self.at = 0;
            self.buffer.extend_from_slice(&next?);
        }
        Ok((self.buffer.len() - self.at) / width * width)
    }

    fn bytes(&self, n: usize) -> &[u8] {
        &self.buffer[self.at..self.at + n]
    }
}
