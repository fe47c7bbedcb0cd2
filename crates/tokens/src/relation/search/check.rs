//! Candidates: checking them on some rows, keeping the best of each target, pricing those.

use super::{Priced, Sample, SearchOptions, price};
use crate::ordered::{mask, to_ordered};
use crate::relation::eval::{to_bits, value};
use crate::relation::formula::{Eval, Formula, MAX_SOURCES, WHOLE};
use crate::relation::{Function, Predictor};

/// Candidates that are kept for a target.
const KEEP: usize = 10;
/// Rows of the first, quick look.
const QUICK: usize = 8;

/// A candidate that passed the check.
#[derive(Clone)]
struct Candidate {
    /// Mean log2(1 + |difference|), plus a little for every source and constant.
    score: f64,
    predictor: Predictor,
}

/// The candidates of all targets.
pub(crate) struct Candidates<'a> {
    pub sample: &'a Sample<'a>,
    /// Formula evaluations so far.
    pub operations: u64,
    /// Most formula evaluations.
    pub max_operations: u64,
    /// Worth searching: fields that are not nearly free.
    pub targets: Vec<u16>,
    is_target: Vec<bool>,
    kept: Vec<Vec<Candidate>>,
}

impl<'a> Candidates<'a> {
    pub fn new(sample: &'a Sample<'a>, max_operations: u64) -> Self {
        let n = sample.kinds.len();
        let is_target: Vec<bool> =
            (0..n).map(|f| sample.alone[f] > 0.25 && sample.nontrivial[f] > 0.0).collect();
        let targets = (0..n as u16).filter(|&f| is_target[f as usize]).collect();
        Self {
            sample,
            operations: 0,
            max_operations,
            targets,
            is_target,
            kept: vec![Vec::new(); n],
        }
    }

    pub fn is_target(&self, f: u16) -> bool {
        self.is_target[f as usize]
    }

    /// Whether the search may go on.
    pub fn within_budget(&self) -> bool {
        self.operations < self.max_operations
    }

    /// Checks a formula with its constants; keeps it where it promises a saving. Returns whether it does.
    pub fn offer(&mut self, target: u16, formula: &Formula, sources: &[u16], c: &[f64]) -> bool {
        if sources.contains(&target) || !self.is_target(target) {
            return false;
        }
        if !self.plausible(target, formula, sources, c) {
            return false;
        }
        let Some(mut score) = self.score(target, formula, sources, c) else { return false };
        score += 0.04 * sources.len() as f64 + 0.06 * c.len() as f64;
        let predictor = Predictor {
            function: Function::Formula {
                id: formula.id,
                sources: sources.to_vec(),
                constants: c.iter().map(|c| c.to_bits()).collect(),
            },
            quantum: self.sample.quantum[target as usize],
        };
        self.keep(target, score, predictor);
        true
    }

    /// Keeps a candidate among the best of its target, once.
    pub fn keep(&mut self, target: u16, score: f64, predictor: Predictor) {
        let kept = &mut self.kept[target as usize];
        // Another seed row may have proposed it before.
        if kept.iter().any(|k| k.predictor == predictor) {
            return;
        }
        let at = kept.partition_point(|k| k.score <= score);
        if at < KEEP {
            kept.insert(at, Candidate { score, predictor });
            kept.truncate(KEEP);
        }
    }

    /// A quick look: whether a float target is met roughly in at least one of its first rows.
    fn plausible(&mut self, target: u16, formula: &Formula, sources: &[u16], c: &[f64]) -> bool {
        let s = self.sample;
        let kind = s.kinds[target as usize];
        if !kind.is_float() || matches!(formula.eval, Eval::Whole | Eval::Copy) {
            return true;
        }
        let tolerance = 1.0 / f64::from(1u32 << mantissa(kind).min(11));
        let mut x = [0.0; MAX_SOURCES];
        for &r in s.rows_of(target).iter().take(QUICK) {
            for (x, &f) in x.iter_mut().zip(sources) {
                *x = s.value(f, r as usize);
            }
            self.operations += 1;
            let (y, p) = (s.value(target, r as usize), value(formula.eval, &x[..sources.len()], c));
            if (y - p).abs() <= tolerance * y.abs() {
                return true;
            }
        }
        false
    }

    /// Mean log2(1 + |difference|) over rows where the target is not trivial; `None` where it is no better
    /// than the target alone.
    fn score(&mut self, target: u16, formula: &Formula, sources: &[u16], c: &[f64]) -> Option<f64> {
        let s = self.sample;
        let rows = s.rows_of(target);
        let kind = s.kinds[target as usize];
        let quantum = s.quantum[target as usize];
        let n = sources.len();
        let mut x = [0.0; MAX_SOURCES];
        let mut hits = 0;
        let mut sum = 0u64;
        for (i, &r) in rows.iter().enumerate() {
            let r = r as usize;
            let y = s.raw(target, r);
            let p = if matches!(formula.eval, Eval::Whole | Eval::Copy) {
                let raw: Vec<u64> = sources.iter().map(|&f| s.raw(f, r)).collect();
                let kinds: Vec<_> = sources.iter().map(|&f| s.kinds[f as usize]).collect();
                let function = Function::Formula {
                    id: formula.id,
                    sources: (0..n as u16).collect(),
                    constants: c.iter().map(|c| c.to_bits()).collect(),
                };
                Predictor { function, quantum }.predict(&kinds, kind, &raw)
            } else {
                for (x, &f) in x.iter_mut().zip(sources) {
                    *x = s.value(f, r);
                }
                to_bits(kind, value(formula.eval, &x[..n], c), quantum)
            };
            self.operations += 1;
            let (oy, op) = (to_ordered(kind, y), to_ordered(kind, p));
            let d = oy.wrapping_sub(op) & mask(kind.bits());
            let d = d.min(d.wrapping_neg() & mask(kind.bits()));
            let bits = crate::log2::log2(d + 1);
            sum += bits;
            // A float that agrees in its leading 11 mantissa bits; an integer nearly equal.
            let near =
                if kind.is_float() { u64::from(mantissa(kind)).saturating_sub(11) } else { 3 };
            hits += usize::from(bits <= near * crate::log2::BIT);
            // Half of the rows seen and none near: nothing that the rest could make up for.
            if i >= QUICK && i * 2 >= rows.len() && hits * 10 < i {
                return None;
            }
        }
        let mean = sum as f64 / (crate::log2::BIT * rows.len().max(1) as u64) as f64;
        let alone = s.alone_there(target);
        (hits * 5 >= rows.len() && mean <= 0.8 * alone && alone - mean >= 0.25).then_some(mean)
    }

    /// Prices the kept candidates of all targets.
    pub fn price(&self, options: &SearchOptions) -> Vec<Priced> {
        let mut priced = Vec::new();
        let mut scratch = (Vec::new(), Vec::new());
        for &t in &self.targets {
            let base = self.sample.alone[t as usize];
            for k in &self.kept[t as usize] {
                priced.extend(price(
                    self.sample,
                    t,
                    k.predictor.clone(),
                    base,
                    options,
                    &mut scratch,
                ));
            }
        }
        priced
    }

    /// Offers a sum of integers.
    pub fn offer_whole(&mut self, target: u16, sources: &[u16], c: &[f64]) -> bool {
        let Some(formula) = Formula::get(WHOLE) else { return false };
        self.offer(target, formula, sources, c)
    }
}

/// Stored mantissa bits of a float kind.
fn mantissa(kind: crate::layout::Kind) -> u32 {
    use crate::layout::Kind;
    match kind {
        Kind::F16 => 10,
        Kind::Bf16 => 7,
        Kind::F64 => 52,
        _ => 23,
    }
}
