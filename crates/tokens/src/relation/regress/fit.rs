//! One regression: terms chosen one by one from a dictionary, least squares by a Cholesky factor.
//!
//! What a residual costs is about log2 |r / ulp(y)|, so the fit is weighted by 1, by 1/|y|, or made on log y,
//! or on y² from squares (energies with a mass that is no field); two rounds of re-weighting (Cauchy) keep outliers from steering it. The caller prices all variants.

use crate::ordered::to_f64;
use crate::relation::Predictor;
use crate::relation::eval::to_bits;
use crate::relation::linear::{Linear, Link, MAX_LINEAR_SOURCES, basis};
use crate::relation::math::log;
use crate::relation::search::{Sample, SearchOptions};

/// Fewest rows for a fit.
const MIN_ROWS: usize = 40;

type Term = [u8; MAX_LINEAR_SOURCES];

/// Fits predictors of one field.
pub(crate) struct Fitter<'a> {
    sample: &'a Sample<'a>,
    picked: &'a [usize],
    target: u16,
    /// The target in the picked rows; NaN where it is missing or trivial.
    y: Vec<f64>,
    records: f64,
}

/// How a fit is weighted.
#[derive(Clone, Copy, PartialEq)]
enum Weighting {
    Equal,
    Relative,
    Logarithm,
    Square,
}

impl<'a> Fitter<'a> {
    pub fn new(
        sample: &'a Sample<'a>,
        picked: &'a [usize],
        target: u16,
        options: &SearchOptions,
    ) -> Self {
        let (column, kind) = (sample.search(target), sample.kinds[target as usize]);
        let mode = sample.mode[target as usize];
        let special = sample.nontrivial[target as usize] < 0.98;
        let y = picked
            .iter()
            .map(|&r| if special && column[r] == mode { f64::NAN } else { to_f64(kind, column[r]) })
            .collect();
        Self { sample, picked, target, y, records: options.records_total as f64 }
    }

    /// Differences to a prediction in the picked rows (without one, to 0), NaN where the target is missing.
    pub fn residual(&self, predictor: Option<&Predictor>) -> Vec<f64> {
        let kind = self.sample.kinds[self.target as usize];
        let Some(p) = predictor else { return self.y.clone() };
        let rows = self.sample.search(self.target).len();
        let mut out = vec![0; rows];
        self.sample.predict_search(p, kind, &mut out);
        let value = |r: usize| to_f64(kind, to_bits(kind, to_f64(kind, out[r]), 0));
        self.y.iter().zip(self.picked).map(|(y, &r)| y - value(r)).collect()
    }

    /// Regressions on these sources (1 to 3), by weighting; none where there are too few rows.
    pub fn fits(&self, sources: &[u16]) -> Vec<Linear> {
        let columns: Vec<(crate::layout::Kind, &[u64])> = sources
            .iter()
            .map(|&s| (self.sample.kinds[s as usize], self.sample.search(s)))
            .collect();
        let mut y = Vec::new();
        let mut x: Vec<Vec<f64>> = vec![Vec::new(); sources.len()];
        for (&v, &r) in self.y.iter().zip(self.picked) {
            let row: Vec<f64> = columns.iter().map(|(k, c)| to_f64(*k, c[r])).collect();
            if v.is_finite()
                && row.iter().all(|v| v.is_finite() && v.abs() < 1e30)
                && v.abs() < 1e30
            {
                y.push(v);
                x.iter_mut().zip(row).for_each(|(x, v)| x.push(v));
            }
        }
        if y.len() < MIN_ROWS {
            return Vec::new();
        }
        let (terms, matrix) = dictionary(&x, terms(x.len()));
        let mut weightings = vec![Weighting::Equal, Weighting::Relative];
        if y.iter().filter(|v| **v > 0.0).count() * 100 >= y.len() * 99 {
            weightings.push(Weighting::Logarithm);
            weightings.push(Weighting::Square);
        }
        let mut out = Vec::new();
        for weighting in weightings {
            if weighting == Weighting::Square {
                let (terms, matrix) = dictionary(&x, squares(x.len()));
                self.fit(sources, &terms, &matrix, &y, weighting, &mut out);
            } else {
                self.fit(sources, &terms, &matrix, &y, weighting, &mut out);
            }
        }
        out
    }

    fn fit(
        &self,
        sources: &[u16],
        terms: &[Term],
        matrix: &[Vec<f64>],
        y: &[f64],
        weighting: Weighting,
        out: &mut Vec<Linear>,
    ) {
        let n = y.len();
        let mut goal = y.to_vec();
        let mut base: Vec<f64> = vec![1.0; n];
        for i in 0..n {
            match weighting {
                Weighting::Equal => {}
                Weighting::Relative => base[i] = if y[i] == 0.0 { 0.0 } else { 1.0 / y[i].abs() },
                Weighting::Logarithm if y[i] > 0.0 => goal[i] = log(y[i]),
                Weighting::Square if y[i] > 0.0 => {
                    goal[i] = y[i] * y[i];
                    base[i] = 1.0 / goal[i];
                }
                Weighting::Logarithm | Weighting::Square => {
                    base[i] = 0.0;
                    goal[i] = 0.0;
                }
            }
        }
        if weighting == Weighting::Relative {
            // A few values near zero must not rule the fit.
            let mut sorted: Vec<f64> = y.iter().map(|v| v.abs()).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            let cap = 1.0 / sorted[n / 20].max(f64::MIN_POSITIVE);
            base.iter_mut().for_each(|w| *w = w.min(cap));
        }
        let most = [10, 14, 18][sources.len() - 1];
        // A term must pay its 6 bytes twice over all records, and stand out from chance.
        let gain = (100.0 / self.records).max(6.0 / n as f64).max(0.003);
        let residuals = |solution: &[(usize, f64)]| -> Vec<f64> {
            let value = |i: usize| solution.iter().map(|&(j, c)| c * matrix[j][i]).sum::<f64>();
            (0..n).map(|i| (goal[i] - value(i)) * base[i]).collect()
        };
        // The size of the residuals: this quantile of their magnitudes.
        let scale = |residuals: &[f64], at: usize| {
            let mut sizes: Vec<f64> = residuals.iter().map(|r| r.abs()).collect();
            *sizes.select_nth_unstable_by(at, f64::total_cmp).1
        };
        let size = goal.iter().zip(&base).map(|(g, w)| (g * w).abs()).sum::<f64>() / n as f64;
        let mut weights = base.clone();
        let mut solution: Vec<(usize, f64)> = Vec::new();
        let mut close = false;
        for _ in 0..3 {
            solution = forward(matrix, &goal, &weights, most, 1.0 - 1.386 * gain);
            if solution.is_empty() {
                return;
            }
            let rest = residuals(&solution);
            let s = 2.5 * scale(&rest, n / 2);
            // So good that single precision of the coefficients would show.
            close = s < size * 1e-3;
            if s == 0.0 {
                break;
            }
            for i in 0..n {
                let z = rest[i] / s;
                weights[i] = base[i] / (1.0 + z * z).sqrt();
            }
        }
        let linear = |solution: &[(usize, f64)], short: bool| Linear {
            sources: sources.to_vec(),
            terms: solution.iter().map(|&(j, _)| terms[j]).collect(),
            coefficients: solution
                .iter()
                .map(|&(_, c)| if short { f64::from(c as f32) } else { c }.to_bits())
                .collect(),
            link: match weighting {
                Weighting::Equal | Weighting::Relative => Link::Identity,
                Weighting::Logarithm => Link::Exp,
                Weighting::Square => Link::Sqrt,
            },
        };
        // Single precision is enough for most, and half the bytes.
        out.push(linear(&solution, true));
        if !close {
            return;
        }
        out.push(linear(&solution, false));
        // Perhaps the relation is exact in part of the rows: let the best rows pull the fit to them.
        for _ in 0..12 {
            let rest = residuals(&solution);
            let s = scale(&rest, n / 5);
            if s == 0.0 {
                break;
            }
            for i in 0..n {
                let z = rest[i] / s;
                weights[i] = base[i] / (1.0 + z * z);
            }
            let next = forward(matrix, &goal, &weights, most, 1.0 - 1.386 * gain);
            if next.is_empty() {
                break;
            }
            solution = next;
        }
        out.push(linear(&solution, false));
        out.retain(|l| l.coefficients.iter().all(|&c| f64::from_bits(c).is_finite()));
    }
}

/// Products of squares, for fits of y².
fn squares(sources: usize) -> Vec<Term> {
    let bases = |k: usize| if k < sources { &[0u8, 4, 1][..] } else { &[0u8][..] };
    let mut terms = Vec::new();
    for &a in bases(0) {
        for &b in bases(1) {
            terms.extend(bases(2).iter().map(|&c| [a, b, c]));
        }
    }
    terms
}

/// The dictionary for a number of sources.
fn terms(sources: usize) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    match sources {
        1 => terms.extend((0..10).map(|a| [a, 0, 0])),
        2 => {
            for a in [0u8, 1, 2, 3, 4, 6] {
                terms.extend([0u8, 1, 2, 3, 4, 6].map(|b| [a, b, 0]));
            }
            terms.extend([[7, 0, 0], [8, 0, 0], [5, 0, 0], [9, 0, 0], [9, 1, 0]]);
            terms.extend([[0, 7, 0], [0, 8, 0], [0, 5, 0], [0, 9, 0], [1, 9, 0]]);
        }
        _ => {
            for a in [0u8, 1, 2, 3] {
                for b in [0u8, 1, 2, 3] {
                    terms.extend([0u8, 1, 2, 3].map(|c| [a, b, c]));
                }
            }
            terms.extend([[4, 0, 0], [0, 4, 0], [0, 0, 4], [6, 0, 0], [0, 6, 0], [0, 0, 6]]);
            terms.extend([
                [7, 0, 0],
                [1, 4, 0],
                [1, 0, 4],
                [6, 2, 0],
                [6, 0, 2],
                [4, 1, 0],
                [4, 0, 1],
            ]);
        }
    }
    terms
}

/// The values of terms, leaving out those that are not finite everywhere.
fn dictionary(x: &[Vec<f64>], mut terms: Vec<Term>) -> (Vec<Term>, Vec<Vec<f64>>) {
    let n = x[0].len();
    let bases: Vec<Vec<Vec<f64>>> = x
        .iter()
        .map(|x| (0..10).map(|b| x.iter().map(|&v| basis(b, v)).collect()).collect())
        .collect();
    let mut matrix = Vec::new();
    terms.retain(|t| {
        let mut column = vec![1.0; n];
        for (k, &b) in t.iter().enumerate().take(x.len()) {
            if b != 0 {
                for (c, v) in column.iter_mut().zip(&bases[k][b as usize]) {
                    *c *= v;
                }
            }
        }
        let usable = column.iter().all(|v| v.is_finite() && v.abs() < 1e60);
        if usable {
            matrix.push(column);
        }
        usable
    });
    (terms, matrix)
}

/// Weighted least squares with terms taken one by one: always the one that lowers the squared error most, until
/// the best lowers it to more than `enough` of what it was. Returns (column, coefficient) pairs.
fn forward(
    matrix: &[Vec<f64>],
    goal: &[f64],
    weights: &[f64],
    most: usize,
    enough: f64,
) -> Vec<(usize, f64)> {
    let m = matrix.len();
    let weighted: Vec<Vec<f64>> =
        matrix.iter().map(|c| c.iter().zip(weights).map(|(v, w)| v * w).collect()).collect();
    let goal: Vec<f64> = goal.iter().zip(weights).map(|(v, w)| v * w).collect();
    let norms: Vec<f64> = weighted.iter().map(|c| dot(c, c).sqrt()).collect();
    let mut left: Vec<f64> =
        norms.iter().map(|&n| if n > 0.0 && n.is_finite() { 1.0 } else { 0.0 }).collect();
    let mut along: Vec<f64> = (0..m)
        .map(|j| if left[j] > 0.0 { dot(&weighted[j], &goal) / norms[j] } else { 0.0 })
        .collect();
    let mut error = dot(&goal, &goal);
    let mut chosen: Vec<usize> = Vec::new();
    // rows[i][k]: entry of the Cholesky factor of the i-th chosen column for column k
    let mut rows: Vec<Vec<f64>> = Vec::new();
    let mut targets: Vec<f64> = Vec::new();
    while chosen.len() < most {
        let mut best: Option<(f64, usize)> = None;
        for j in 0..m {
            if left[j] > 1e-9 {
                let lowers = along[j] * along[j] / left[j];
                if best.is_none_or(|b| lowers > b.0) {
                    best = Some((lowers, j));
                }
            }
        }
        let Some((lowers, j)) = best else { break };
        // A sum that is not a number ends here too.
        let pays = error - lowers <= error * enough;
        if !pays {
            break;
        }
        let pivot = left[j].sqrt();
        let step = along[j] / pivot;
        let mut row = vec![0.0; m];
        for k in 0..m {
            if left[k] <= 0.0 || k == j {
                continue;
            }
            let mut g = dot(&weighted[j], &weighted[k]) / (norms[j] * norms[k]);
            for r in &rows {
                g -= r[j] * r[k];
            }
            row[k] = g / pivot;
            left[k] -= row[k] * row[k];
            along[k] -= row[k] * step;
        }
        row[j] = pivot;
        left[j] = 0.0;
        rows.push(row);
        chosen.push(j);
        targets.push(step);
        error -= lowers;
        if error <= 0.0 {
            break;
        }
    }
    // Back substitution: Σ_i rows[r][chosen[i]]·c_i = targets[r] for i ≥ r.
    let n = chosen.len();
    let mut c = vec![0.0; n];
    for r in (0..n).rev() {
        let mut v = targets[r];
        for i in r + 1..n {
            v -= rows[r][chosen[i]] * c[i];
        }
        c[r] = v / rows[r][chosen[r]];
    }
    chosen.iter().zip(c).map(|(&j, c)| (j, c / norms[j])).collect()
}

/// Σ aᵢ·bᵢ in four interleaved sums: a fixed order that also runs fast.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (x, y) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = x.remainder().iter().zip(y.remainder()).map(|(a, b)| a * b).sum();
    for (x, y) in x.zip(y) {
        for k in 0..4 {
            sums[k] += x[k] * y[k];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_finds_the_terms_of_an_exact_sum() {
        let x: Vec<f64> = (0..200).map(|i| 0.1 + f64::from(i * 7919 % 200) / 17.0).collect();
        let (terms, matrix) = dictionary(std::slice::from_ref(&x), terms(1));
        let goal: Vec<f64> = x.iter().map(|v| 3.0 + 0.5 * v * v).collect();
        let found = forward(&matrix, &goal, &vec![1.0; x.len()], 10, 0.995);
        let value = |v: f64| found.iter().map(|&(j, c)| c * basis(terms[j][0], v)).sum::<f64>();
        for v in [0.3, 2.0, 9.0] {
            assert!((value(v) - 3.0 - 0.5 * v * v).abs() < 1e-3, "{v}: {}", value(v));
        }
    }
}
