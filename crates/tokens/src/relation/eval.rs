//! Evaluating predictors, row by row and column-wise; both give the same bits.
//!
//! All arithmetic is IEEE f64 in the order written, or 64-bit integers that wrap.

use super::formula::{Eval, Formula, MAX_SOURCES};
use super::linear::Linear;
use super::{Function, Predictor};
use crate::layout::Kind;
use crate::ordered::{from_f64, mask, to_f64};

/// Rows that a step of the block evaluation handles.
const STEP: usize = 256;

/// The value of a formula in f64. `s` has as many values as the formula has sources.
#[inline]
pub(crate) fn value(eval: Eval, s: &[f64], constants: &[f64]) -> f64 {
    let v = match eval {
        Eval::Copy => s[0],
        Eval::One(f) => f(s[0]),
        Eval::Two(f) => f(s[0], s[1]),
        Eval::Three(f) => f(s[0], s[1], s[2]),
        Eval::Four(f) => f(s[0], s[1], s[2], s[3]),
        Eval::Five(f) => f(s[0], s[1], s[2], s[3], s[4]),
        Eval::Weighted | Eval::Whole => {
            let mut v = constants[0] * s[0];
            for i in 1..s.len() {
                v += constants[i] * s[i];
            }
            return v + constants[s.len()];
        }
    };
    match *constants {
        [] => v,
        [c] => v * c,
        [c, d, ..] => v * c + d,
    }
}

/// A bit pattern as a 64-bit integer, sign-extended for signed kinds.
#[inline]
pub(crate) fn whole(kind: Kind, raw: u64) -> u64 {
    if kind.is_signed_int() {
        let shift = 64 - kind.bits();
        (((raw << shift) as i64) >> shift) as u64
    } else {
        raw
    }
}

/// Rounds the magnitude of a bit pattern to a multiple of 2^quantum.
#[inline]
pub(crate) fn quantise(kind: Kind, raw: u64, quantum: u8) -> u64 {
    if quantum == 0 {
        return raw;
    }
    let all = mask(kind.bits());
    let low = mask(u32::from(quantum));
    if kind.is_float() {
        let sign = 1u64 << (kind.bits() - 1);
        let magnitude = raw & (sign - 1);
        // A carry out of the exponent cannot reach the sign: it would need a NaN, which rounding does not give.
        (raw & sign) | (((magnitude + (low >> 1) + 1) & !low) & (sign - 1))
    } else {
        (raw.wrapping_add((low >> 1) + 1) & !low) & all
    }
}

/// Converts a value that the predictor computed.
#[inline]
pub(crate) fn to_bits(target: Kind, v: f64, quantum: u8) -> u64 {
    quantise(target, from_f64(target, v), quantum)
}

fn copy(source: Kind, target: Kind, raw: u64) -> u64 {
    if source == target {
        raw
    } else if source.is_float() || target.is_float() {
        from_f64(target, to_f64(source, raw))
    } else {
        whole(source, raw) & mask(target.bits())
    }
}

impl Predictor {
    /// The predicted bit pattern of kind `target` for one record. `kinds` and `row` hold the kinds and the
    /// raw bit patterns of all fields; only the sources are read. A prediction that is not finite after
    /// rounding to `target` is the pattern 0.
    ///
    /// # Panics
    /// If a source is no index into `kinds` and `row` (reading checks it against the number of fields).
    pub fn predict(&self, kinds: &[Kind], target: Kind, row: &[u64]) -> u64 {
        let mut sources = [0u64; MAX_SOURCES];
        let mut source_kinds = [Kind::U8; MAX_SOURCES];
        let n = self.sources().len();
        for (i, &f) in self.sources().iter().enumerate() {
            sources[i] = row[f as usize];
            source_kinds[i] = kinds[f as usize];
        }
        let (sources, source_kinds) = (&sources[..n], &source_kinds[..n]);
        let mut s = [0.0; MAX_SOURCES];
        for i in 0..n {
            s[i] = to_f64(source_kinds[i], sources[i]);
        }
        let s = &s[..n];
        match &self.function {
            Function::Formula { id, constants, .. } => {
                let Some(formula) = Formula::get(*id) else { return 0 };
                match formula.eval {
                    Eval::Copy => {
                        quantise(target, copy(source_kinds[0], target, sources[0]), self.quantum)
                    }
                    Eval::Whole => {
                        let mut v = whole_constant(constants[n]);
                        for i in 0..n {
                            let c = whole_constant(constants[i]);
                            v = v.wrapping_add(c.wrapping_mul(whole(source_kinds[i], sources[i])));
                        }
                        whole_bits(target, v, self.quantum)
                    }
                    eval => {
                        let mut c = [0.0; MAX_SOURCES + 1];
                        for (to, &from) in c.iter_mut().zip(constants) {
                            *to = f64::from_bits(from);
                        }
                        to_bits(target, value(eval, s, &c[..constants.len()]), self.quantum)
                    }
                }
            }
            Function::Linear(l) => to_bits(target, l.value(s), self.quantum),
            Function::Lookup { table, .. } => {
                let found = table.binary_search_by_key(&sources[0], |e| e.0);
                found.map_or(0, |i| table[i].1 & mask(target.bits()))
            }
        }
    }

    /// [`Predictor::predict`] for a block of records, column-wise: `columns[f][r]` is the raw bit pattern of
    /// field f in record r (columns of fields that are no source may be empty), `out[r]` the prediction.
    ///
    /// # Panics
    /// If a source is no index into `kinds` and `columns`, or its column is shorter than `out`.
    pub fn predict_block(&self, kinds: &[Kind], target: Kind, columns: &[&[u64]], out: &mut [u64]) {
        let n = self.sources().len();
        let mut source_kinds = [Kind::U8; MAX_SOURCES];
        let mut source_columns: [&[u64]; MAX_SOURCES] = [&[]; MAX_SOURCES];
        for (i, &f) in self.sources().iter().enumerate() {
            source_kinds[i] = kinds[f as usize];
            source_columns[i] = &columns[f as usize][..out.len()];
        }
        match &self.function {
            Function::Formula { id, constants, .. } => {
                let Some(formula) = Formula::get(*id) else { return out.fill(0) };
                match formula.eval {
                    Eval::Copy => {
                        for (o, &raw) in out.iter_mut().zip(source_columns[0]) {
                            *o = quantise(target, copy(source_kinds[0], target, raw), self.quantum);
                        }
                    }
                    Eval::Whole => {
                        out.fill(whole_constant(constants[n]));
                        for i in 0..n {
                            let c = whole_constant(constants[i]);
                            for (o, &raw) in out.iter_mut().zip(source_columns[i]) {
                                *o = o.wrapping_add(c.wrapping_mul(whole(source_kinds[i], raw)));
                            }
                        }
                        for o in out.iter_mut() {
                            *o = whole_bits(target, *o, self.quantum);
                        }
                    }
                    eval => {
                        let c: Vec<f64> = constants.iter().map(|&c| f64::from_bits(c)).collect();
                        self.steps(
                            &source_kinds[..n],
                            &source_columns[..n],
                            target,
                            out,
                            |s, v| {
                                block_value(eval, s, &c, v);
                            },
                        );
                    }
                }
            }
            Function::Linear(l) => {
                self.steps(&source_kinds[..n], &source_columns[..n], target, out, |s, v| {
                    l.block(s, v);
                });
            }
            Function::Lookup { table, .. } => {
                let all = mask(target.bits());
                let mut last = None;
                for (o, &raw) in out.iter_mut().zip(source_columns[0]) {
                    // Keys come in runs.
                    *o = match last {
                        Some((key, value)) if key == raw => value,
                        _ => {
                            let found = table.binary_search_by_key(&raw, |e| e.0);
                            found.map_or(0, |i| table[i].1 & all)
                        }
                    };
                    last = Some((raw, *o));
                }
            }
        }
    }

    /// Converts the sources step by step and lets `f` compute the values of each step.
    fn steps(
        &self,
        kinds: &[Kind],
        columns: &[&[u64]],
        target: Kind,
        out: &mut [u64],
        f: impl Fn(&[[f64; STEP]], &mut [f64]),
    ) {
        let mut s = [[0.0; STEP]; MAX_SOURCES];
        let mut v = [0.0; STEP];
        for (step, out) in out.chunks_mut(STEP).enumerate() {
            let at = step * STEP;
            for ((to, column), &kind) in s.iter_mut().zip(columns).zip(kinds) {
                let from = &column[at..at + out.len()];
                if kind == Kind::F32 {
                    for (to, &raw) in to.iter_mut().zip(from) {
                        *to = f64::from(f32::from_bits(raw as u32));
                    }
                } else {
                    for (to, &raw) in to.iter_mut().zip(from) {
                        *to = to_f64(kind, raw);
                    }
                }
            }
            f(&s[..columns.len()], &mut v[..out.len()]);
            if target == Kind::F32 && self.quantum == 0 {
                for (o, &v) in out.iter_mut().zip(&v) {
                    let y = v as f32;
                    *o = if y.is_finite() { u64::from(y.to_bits()) } else { 0 };
                }
            } else {
                for (o, &v) in out.iter_mut().zip(&v) {
                    *o = to_bits(target, v, self.quantum);
                }
            }
        }
    }
}

/// A constant of an integer sum: whole numbers below 2^53 in magnitude are exact, others saturate.
fn whole_constant(bits: u64) -> u64 {
    from_f64(Kind::I64, f64::from_bits(bits))
}

fn whole_bits(target: Kind, v: u64, quantum: u8) -> u64 {
    let raw =
        if target.is_float() { from_f64(target, v as i64 as f64) } else { v & mask(target.bits()) };
    quantise(target, raw, quantum)
}

fn block_value(eval: Eval, s: &[[f64; STEP]], c: &[f64], out: &mut [f64]) {
    let n = out.len();
    match eval {
        Eval::One(f) => out.iter_mut().zip(&s[0]).for_each(|(o, &a)| *o = f(a)),
        Eval::Two(f) => (0..n).for_each(|i| out[i] = f(s[0][i], s[1][i])),
        Eval::Three(f) => (0..n).for_each(|i| out[i] = f(s[0][i], s[1][i], s[2][i])),
        Eval::Four(f) => (0..n).for_each(|i| out[i] = f(s[0][i], s[1][i], s[2][i], s[3][i])),
        Eval::Five(f) => {
            (0..n).for_each(|i| out[i] = f(s[0][i], s[1][i], s[2][i], s[3][i], s[4][i]));
        }
        Eval::Weighted => {
            (0..n).for_each(|i| out[i] = c[0] * s[0][i]);
            for k in 1..s.len() {
                (0..n).for_each(|i| out[i] += c[k] * s[k][i]);
            }
            out.iter_mut().for_each(|o| *o += c[s.len()]);
            return;
        }
        Eval::Copy | Eval::Whole => unreachable!("not evaluated in f64"),
    }
    match *c {
        [] => {}
        [c] => out.iter_mut().for_each(|o| *o *= c),
        [c, d, ..] => out.iter_mut().for_each(|o| *o = *o * c + d),
    }
}

impl Linear {
    /// The value for one record.
    pub(crate) fn value(&self, s: &[f64]) -> f64 {
        let mut v = 0.0;
        for (term, &c) in self.terms.iter().zip(&self.coefficients) {
            let mut t = f64::from_bits(c);
            for (&b, &x) in term.iter().zip(s) {
                if b != 0 {
                    t *= super::linear::basis(b, x);
                }
            }
            v += t;
        }
        self.link.apply(v)
    }

    fn block(&self, s: &[[f64; STEP]], out: &mut [f64]) {
        let n = out.len();
        out.fill(0.0);
        // Each basis function of each source once; most terms share them.
        let mut known: Vec<(usize, u8, [f64; STEP])> = Vec::new();
        for term in &self.terms {
            for (k, &b) in term.iter().enumerate().take(s.len()) {
                if b != 0 && !known.iter().any(|e| e.0 == k && e.1 == b) {
                    let mut values = [0.0; STEP];
                    (0..n).for_each(|i| values[i] = super::linear::basis(b, s[k][i]));
                    known.push((k, b, values));
                }
            }
        }
        let mut t = [0.0; STEP];
        for (term, &c) in self.terms.iter().zip(&self.coefficients) {
            t.fill(f64::from_bits(c));
            for (k, &b) in term.iter().enumerate().take(s.len()) {
                if let Some(e) = known.iter().find(|e| b != 0 && e.0 == k && e.1 == b) {
                    (0..n).for_each(|i| t[i] *= e.2[i]);
                }
            }
            (0..n).for_each(|i| out[i] += t[i]);
        }
        out.iter_mut().for_each(|o| *o = self.link.apply(*o));
    }
}
