//! Bytes of a predictor.
//!
//! `tag u8` (0 formula, 1 linear, 2 lookup; +4 where a quantum byte follows), then
//! - formula: number u16, count of sources u8, sources u16 each, constants;
//! - linear: link u8, count of sources u8, sources u16 each, count of terms u8, the basis
//!   numbers of each term (one byte a source), constants;
//! - lookup: source u16, count u16, per entry the key (difference to the one before) and the value, LEB128.
//!
//! Constants: count u8, a bit mask (1 = four bytes, f32), then the bits. All numbers are little-endian.

use super::formula::{Formula, MAX_SOURCES};
use super::linear::{BASES, Linear, Link, MAX_LINEAR_SOURCES, MAX_TERMS};
use super::{Function, MAX_LOOKUP, Predictor};
use crate::error::TokenError;

const QUANTUM: u8 = 4;

impl Predictor {
    /// Appends the bytes of the predictor.
    pub fn write(&self, out: &mut Vec<u8>) {
        let tag = match self.function {
            Function::Formula { .. } => 0,
            Function::Linear(_) => 1,
            Function::Lookup { .. } => 2,
        };
        out.push(tag + if self.quantum > 0 { QUANTUM } else { 0 });
        if self.quantum > 0 {
            out.push(self.quantum);
        }
        match &self.function {
            Function::Formula { id, sources, constants } => {
                out.extend_from_slice(&id.to_le_bytes());
                write_sources(out, sources);
                write_constants(out, constants);
            }
            Function::Linear(l) => {
                out.push(l.link as u8);
                write_sources(out, &l.sources);
                out.push(l.terms.len() as u8);
                for term in &l.terms {
                    out.extend_from_slice(&term[..l.sources.len()]);
                }
                write_constants(out, &l.coefficients);
            }
            Function::Lookup { source, table } => {
                out.extend_from_slice(&source.to_le_bytes());
                out.extend_from_slice(&(table.len() as u16).to_le_bytes());
                let mut last = 0;
                for &(key, value) in table {
                    write_leb(out, key - last);
                    write_leb(out, value);
                    last = key;
                }
            }
        }
    }

    /// Reads a predictor for a record of `n_fields` fields from the front of `bytes`.
    ///
    /// # Errors
    /// [`TokenError::Corrupt`] if the bytes are cut off or describe no predictor over these fields.
    pub fn read(bytes: &mut &[u8], n_fields: usize) -> Result<Self, TokenError> {
        let tag = u8(bytes)?;
        if tag >= 8 {
            return Err(TokenError::Corrupt("unknown kind of relation"));
        }
        let quantum = if tag & QUANTUM != 0 { u8(bytes)? } else { 0 };
        if tag & QUANTUM != 0 && !(1..=52).contains(&quantum) {
            return Err(TokenError::Corrupt("quantum of a relation"));
        }
        let function = match tag & 3 {
            0 => {
                let id = u16(bytes)?;
                let sources = read_sources(bytes, n_fields, MAX_SOURCES)?;
                let constants = read_constants(bytes)?;
                let formula = Formula::get(id).ok_or(TokenError::Corrupt("unknown formula"))?;
                if !formula.accepts(sources.len(), constants.len()) {
                    return Err(TokenError::Corrupt("sources or constants of a formula"));
                }
                Function::Formula { id, sources, constants }
            }
            1 => {
                let link = Link::from_number(u8(bytes)?)
                    .ok_or(TokenError::Corrupt("link of a regression"))?;
                let sources = read_sources(bytes, n_fields, MAX_LINEAR_SOURCES)?;
                let n = usize::from(u8(bytes)?);
                if n > MAX_TERMS {
                    return Err(TokenError::Corrupt("terms of a regression"));
                }
                let mut terms = Vec::with_capacity(n);
                for _ in 0..n {
                    let mut term = [0; MAX_LINEAR_SOURCES];
                    let bases = take(bytes, sources.len())?;
                    if bases.iter().any(|&b| b >= BASES) {
                        return Err(TokenError::Corrupt("basis function of a regression"));
                    }
                    term[..bases.len()].copy_from_slice(bases);
                    terms.push(term);
                }
                let coefficients = read_constants(bytes)?;
                if coefficients.len() != n {
                    return Err(TokenError::Corrupt("coefficients of a regression"));
                }
                Function::Linear(Linear { sources, terms, coefficients, link })
            }
            2 => {
                let source = u16(bytes)?;
                let n = usize::from(u16(bytes)?);
                if usize::from(source) >= n_fields || n > MAX_LOOKUP {
                    return Err(TokenError::Corrupt("lookup"));
                }
                let mut table: Vec<(u64, u64)> = Vec::with_capacity(n.min(bytes.len()));
                for _ in 0..n {
                    let step = leb(bytes)?;
                    let value = leb(bytes)?;
                    let key = match table.last() {
                        None => Some(step),
                        Some(_) if step == 0 => None,
                        Some(last) => last.0.checked_add(step),
                    };
                    let key = key.ok_or(TokenError::Corrupt("keys of a lookup"))?;
                    table.push((key, value));
                }
                Function::Lookup { source, table }
            }
            _ => return Err(TokenError::Corrupt("unknown kind of relation")),
        };
        Ok(Self { function, quantum })
    }

    /// Bits that [`Predictor::write`] takes.
    pub fn description_bits(&self) -> u64 {
        let mut out = Vec::new();
        self.write(&mut out);
        out.len() as u64 * 8
    }
}

fn write_sources(out: &mut Vec<u8>, sources: &[u16]) {
    out.push(sources.len() as u8);
    for s in sources {
        out.extend_from_slice(&s.to_le_bytes());
    }
}

fn read_sources(bytes: &mut &[u8], n_fields: usize, most: usize) -> Result<Vec<u16>, TokenError> {
    let n = usize::from(u8(bytes)?);
    if n == 0 || n > most {
        return Err(TokenError::Corrupt("number of sources"));
    }
    let mut sources = Vec::with_capacity(n);
    for _ in 0..n {
        let s = u16(bytes)?;
        if usize::from(s) >= n_fields {
            return Err(TokenError::Corrupt("source of a relation"));
        }
        sources.push(s);
    }
    Ok(sources)
}

/// The constant in four bytes, where that loses nothing.
fn short(bits: u64) -> Option<u32> {
    let x = f64::from_bits(bits);
    let y = x as f32;
    (y.is_finite() && f64::from(y).to_bits() == bits).then(|| y.to_bits())
}

fn write_constants(out: &mut Vec<u8>, constants: &[u64]) {
    out.push(constants.len() as u8);
    for eight in constants.chunks(8) {
        let mask = eight.iter().enumerate().map(|(i, &c)| u8::from(short(c).is_some()) << i).sum();
        out.push(mask);
    }
    for &c in constants {
        match short(c) {
            Some(s) => out.extend_from_slice(&s.to_le_bytes()),
            None => out.extend_from_slice(&c.to_le_bytes()),
        }
    }
}

fn read_constants(bytes: &mut &[u8]) -> Result<Vec<u64>, TokenError> {
    let n = usize::from(u8(bytes)?);
    if n > MAX_TERMS {
        return Err(TokenError::Corrupt("number of constants"));
    }
    let masks = take(bytes, n.div_ceil(8))?;
    let mut constants = Vec::with_capacity(n);
    for i in 0..n {
        let is_short = masks.get(i / 8).is_some_and(|m| m >> (i % 8) & 1 == 1);
        constants.push(if is_short {
            let b = take(bytes, 4)?;
            let mut four = [0; 4];
            four.copy_from_slice(b);
            f64::from(f32::from_bits(u32::from_le_bytes(four))).to_bits()
        } else {
            let b = take(bytes, 8)?;
            let mut eight = [0; 8];
            eight.copy_from_slice(b);
            u64::from_le_bytes(eight)
        });
    }
    Ok(constants)
}

fn take<'a>(bytes: &mut &'a [u8], n: usize) -> Result<&'a [u8], TokenError> {
    let (head, rest) =
        bytes.split_at_checked(n).ok_or(TokenError::Corrupt("relation is cut off"))?;
    *bytes = rest;
    Ok(head)
}

fn u8(bytes: &mut &[u8]) -> Result<u8, TokenError> {
    take(bytes, 1).map(|b| b[0])
}

fn u16(bytes: &mut &[u8]) -> Result<u16, TokenError> {
    take(bytes, 2).map(|b| u16::from_le_bytes([b[0], b[1]]))
}

fn write_leb(out: &mut Vec<u8>, mut v: u64) {
    while v >= 128 {
        out.push(v as u8 | 128);
        v >>= 7;
    }
    out.push(v as u8);
}

fn leb(bytes: &mut &[u8]) -> Result<u64, TokenError> {
    let mut v = 0u64;
    for shift in (0..64).step_by(7) {
        let b = u8(bytes)?;
        let part = u64::from(b & 127);
        if shift == 63 && part > 1 {
            break;
        }
        v |= part << shift;
        if b < 128 {
            return Ok(v);
        }
    }
    Err(TokenError::Corrupt("number in a relation"))
}
