//! Relations with one or two sources.

use super::check::Candidates;
use super::constants::{fit_affine, fit_scale};
use crate::layout::Kind;
use crate::ordered::to_ordered;
use crate::relation::formula::{COPY, Eval, FORMULAS, Formula, Seek};

/// Relative agreement that makes two values equal on a seed row.
const TOLERANCE: f64 = 1.0 / (1u64 << 18) as f64;
/// Factors tried with every pair formula in tables of few fields.
const SCALES: [f64; 7] =
    [1.0, 2.0, 0.5, 1000.0, 0.001, 180.0 / std::f64::consts::PI, std::f64::consts::PI / 180.0];
/// Tables with more sources than this get no factors.
const SCALED_SOURCES: usize = 64;

/// Copies, and every formula of one source, also scaled and moved.
pub(crate) fn singles(found: &mut Candidates) {
    let sample = found.sample;
    let copy = Formula::get(COPY).expect("in the registry");
    for t in 0..sample.kinds.len() as u16 {
        if let Some(s) = sample.duplicate_of[t as usize] {
            found.offer(t, copy, &[s], &[]);
        }
    }
    let seeds = sample.seeds.len();
    // With very many fields, only near ones: the square of the number must stay affordable.
    let window = window(sample.sources.len(), found.max_operations / 4, 30);
    for formula in FORMULAS {
        let (Seek::Single, Eval::One(f)) = (formula.seek, formula.eval) else { continue };
        let u: Vec<f64> = sample
            .sources
            .iter()
            .flat_map(|&s| (0..seeds).map(move |r| f(sample.value(s, r))))
            .collect();
        found.operations += u.len() as u64;
        for (i, &t) in sample.sources.iter().enumerate() {
            if !found.is_target(t) {
                continue;
            }
            // A few comparisons a pair weigh about as much as one evaluation.
            found.operations += (2 * window as u64).min(sample.sources.len() as u64);
            let y: Vec<f64> = (0..seeds).map(|r| sample.value(t, r)).collect();
            let trivial: Vec<bool> =
                (0..seeds).map(|r| sample.raw(t, r) == sample.mode[t as usize]).collect();
            let near = i.saturating_sub(window)..(i + window + 1).min(sample.sources.len());
            for j in near {
                let s = sample.sources[j];
                if i == j {
                    continue;
                }
                let u = &u[j * seeds..(j + 1) * seeds];
                if let Some((r, c)) = constant_ratio(&y, u, &trivial) {
                    if (c - 1.0).abs() <= TOLERANCE {
                        let plain =
                            if formula.id == super::super::formula::VALUE { copy } else { formula };
                        if found.offer(t, plain, &[s], &[]) {
                            continue;
                        }
                    }
                    let c = fit_scale(sample, t, f, s, r);
                    if found.offer(t, formula, &[s], &[c]) {
                        continue;
                    }
                }
                if constant_slope(&y, u, &trivial) {
                    for c in fit_affine(sample, t, f, s) {
                        found.offer(t, formula, &[s], &c);
                    }
                }
            }
        }
    }
}

/// Two seed rows whose ratio y/u agrees: the first row and the ratio.
fn constant_ratio(y: &[f64], u: &[f64], trivial: &[bool]) -> Option<(usize, f64)> {
    let mut last: Option<(usize, f64)> = None;
    let mut before: Option<(usize, f64)> = None;
    for r in 0..y.len() {
        if trivial[r] || u[r] == 0.0 || !u[r].is_finite() || !y[r].is_finite() {
            continue;
        }
        let c = y[r] / u[r];
        if c == 0.0 || !c.is_finite() {
            continue;
        }
        for &(q, d) in [last, before].iter().flatten() {
            if (c - d).abs() <= TOLERANCE * c.abs() && y[q] != y[r] {
                return Some((q, d));
            }
        }
        before = last;
        last = Some((r, c));
    }
    None
}

/// Whether three seed rows lie on a line that is not level.
fn constant_slope(y: &[f64], u: &[f64], trivial: &[bool]) -> bool {
    let mut points = [(0.0, 0.0); 8];
    let mut n = 0;
    for r in 0..y.len().min(8) {
        if !trivial[r] && u[r].is_finite() && y[r].is_finite() {
            points[n] = (u[r], y[r]);
            n += 1;
        }
    }
    points[..n].windows(3).any(|w| {
        let (du, dv) = (w[0].0 - w[1].0, w[1].0 - w[2].0);
        let (dy, dz) = (w[0].1 - w[1].1, w[1].1 - w[2].1);
        let (l, r) = (dy * dv, dz * du);
        l != 0.0 && dy != 0.0 && dz != 0.0 && (l - r).abs() <= l.abs() / 4096.0
    })
}

/// How many neighbours on each side a search over pairs of `n` fields may use.
pub(crate) fn window(n: usize, operations: u64, per_pair: u64) -> usize {
    let pairs = operations / per_pair.max(1);
    ((pairs / (2 * n.max(1) as u64)) as usize).clamp(4, n.max(4))
}

/// The values of the targets on one seed row, for lookups by magnitude.
struct Values {
    sorted: Vec<(f64, u16)>,
    filter: Vec<u64>,
}

const FILTER_BITS: u32 = 18;

impl Values {
    fn new(mut values: Vec<(f64, u16)>) -> Self {
        values.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut filter = vec![0u64; 1 << (FILTER_BITS - 6)];
        for &(v, _) in &values {
            for x in [v * (1.0 - TOLERANCE), v, v * (1.0 + TOLERANCE)] {
                let b = Self::bucket(x);
                filter[b >> 6] |= 1 << (b & 63);
            }
        }
        Self { sorted: values, filter }
    }

    /// A hash of the leading 16 mantissa bits and the exponent.
    fn bucket(x: f64) -> usize {
        ((x.to_bits() >> 36).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS)) as usize
    }

    #[inline]
    fn near(&self, x: f64) -> &[(f64, u16)] {
        let b = Self::bucket(x);
        if self.filter[b >> 6] >> (b & 63) & 1 == 0 {
            return &[];
        }
        let tolerance = x * TOLERANCE;
        let lo = self.sorted.partition_point(|e| e.0 < x - tolerance);
        let hi = self.sorted.partition_point(|e| e.0 <= x + tolerance);
        &self.sorted[lo..hi]
    }
}

/// Every formula of two sources.
pub(crate) fn pairs(found: &mut Candidates) {
    let sample = found.sample;
    let formulas: Vec<&Formula> =
        FORMULAS.iter().filter(|f| matches!(f.seek, Seek::Pair { .. })).collect();
    let seeds = sample.seeds.len();
    let budget = found.max_operations / 2;
    let per_pair = 2 * (formulas.len() * seeds.min(4)) as u64;
    let window = window(sample.sources.len(), budget, per_pair);
    let scales = if sample.sources.len() <= SCALED_SOURCES { &SCALES[..] } else { &SCALES[..1] };
    let limit = found.operations + budget;
    for r in 0..seeds {
        let usable = |f: &u16| {
            let x = sample.value(*f, r);
            x.is_finite() && x != 0.0
        };
        let sources: Vec<u16> = sample.sources.iter().copied().filter(usable).collect();
        let x: Vec<f64> = sources.iter().map(|&s| sample.value(s, r)).collect();
        let values = Values::new(
            sources
                .iter()
                .filter(|&&t| found.is_target(t) && sample.raw(t, r) != sample.mode[t as usize])
                .map(|&t| (sample.value(t, r).abs(), t))
                .collect(),
        );
        for formula in &formulas {
            let (Seek::Pair { symmetric }, Eval::Two(f)) = (formula.seek, formula.eval) else {
                continue;
            };
            for i in 0..sources.len() {
                let from = if symmetric { i + 1 } else { i.saturating_sub(window) };
                let to = (i + window + 1).min(sources.len());
                found.operations += to.saturating_sub(from) as u64;
                for j in from..to {
                    let v = f(x[i], x[j]);
                    // A result equal to a source says nothing.
                    if i == j || v == 0.0 || !v.is_finite() || v == x[i] || v == x[j] {
                        continue;
                    }
                    for &scale in scales {
                        for &(_, t) in values.near((v * scale).abs()) {
                            let y = sample.value(t, r);
                            let c = if (y < 0.0) == (v < 0.0) { scale } else { -scale };
                            let c = [c];
                            let c = if c[0] == 1.0 { &c[..0] } else { &c[..] };
                            found.offer(t, formula, &[sources[i], sources[j]], c);
                        }
                    }
                }
                if found.operations > limit {
                    return;
                }
            }
        }
    }
}

/// Half a unit in the last place of a value of `kind`, as an absolute number; 0.5 for integers.
pub(crate) fn half_ulp(kind: Kind, raw: u64, x: f64) -> f64 {
    if !kind.is_float() {
        return 0.5;
    }
    let o = to_ordered(kind, raw);
    let next = crate::ordered::from_ordered(
        kind,
        if x < 0.0 { o.wrapping_sub(1) } else { o.wrapping_add(1) },
    );
    let step = (crate::ordered::to_f64(kind, next) - x).abs() / 2.0;
    if step.is_finite() { step } else { 0.0 }
}
