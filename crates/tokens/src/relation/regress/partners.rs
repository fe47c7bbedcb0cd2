//! Which fields tell most about a field: mutual information of ranks in 16 classes.

use crate::log2::{BIT, entropy};
use crate::ordered::to_f64;
use crate::relation::search::Sample;

/// Classes of rank; class 0 holds the most frequent value and values that are not finite.
const CLASSES: usize = 17;
/// Fields further away than this are not looked at in tables of very many fields.
const WINDOW: usize = 1500;

/// The classes of all fields in the picked rows.
pub(crate) struct Ranks {
    classes: Vec<Vec<u8>>,
}

impl Ranks {
    pub fn new(sample: &Sample, picked: &[usize]) -> Self {
        let classes = (0..sample.kinds.len() as u16)
            .map(|f| {
                let (column, kind) = (sample.search(f), sample.kinds[f as usize]);
                let mode = sample.mode[f as usize];
                // A mode that is just one value among many is no special case.
                let special = sample.nontrivial[f as usize] < 0.98;
                let values = picked.iter().map(|&r| {
                    if special && column[r] == mode { f64::NAN } else { to_f64(kind, column[r]) }
                });
                classes(values.collect())
            })
            .collect();
        Self { classes }
    }

    /// The `n` fields that tell most about field `t`, best first, among those `allowed`.
    pub fn partners(
        &self,
        sample: &Sample,
        t: u16,
        n: usize,
        allowed: impl Fn(u16) -> bool,
    ) -> Vec<u16> {
        self.best(sample, t, &self.classes[t as usize], n, allowed)
    }

    /// The `n` fields that tell most about these residuals of field `t` (NaN = left out).
    pub fn partners_of(
        &self,
        sample: &Sample,
        t: u16,
        residual: &[f64],
        n: usize,
        allowed: impl Fn(u16) -> bool,
    ) -> Vec<u16> {
        self.best(sample, t, &classes(residual.to_vec()), n, allowed)
    }

    fn best(
        &self,
        sample: &Sample,
        t: u16,
        classes: &[u8],
        n: usize,
        allowed: impl Fn(u16) -> bool,
    ) -> Vec<u16> {
        let mut found: Vec<(i64, u16)> = sample
            .sources
            .iter()
            .copied()
            .filter(|&s| s != t && s.abs_diff(t) as usize <= WINDOW && allowed(s))
            .map(|s| (-information(classes, &self.classes[s as usize]), s))
            .filter(|e| e.0 < 0)
            .collect();
        found.sort_unstable();
        found.truncate(n);
        found.into_iter().map(|e| e.1).collect()
    }
}

/// Classes 1..=16 by rank, 0 for NaN.
fn classes(values: Vec<f64>) -> Vec<u8> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let edges: Vec<f64> = (1..CLASSES - 1)
        .filter_map(|i| sorted.get(i * sorted.len() / (CLASSES - 1)).copied())
        .collect();
    values
        .iter()
        .map(|v| if v.is_finite() { 1 + edges.partition_point(|e| e <= v) as u8 } else { 0 })
        .collect()
}

/// Mutual information over the rows where `a` is not 0, less what chance gives; in units of 2^-16 bit × rows.
fn information(a: &[u8], b: &[u8]) -> i64 {
    let mut joint = [0u32; CLASSES * CLASSES];
    for (&x, &y) in a.iter().zip(b) {
        joint[x as usize * CLASSES + y as usize] += 1;
    }
    let mut of_a = [0u64; CLASSES];
    let mut of_b = [0u64; CLASSES];
    for x in 1..CLASSES {
        for y in 0..CLASSES {
            let c = u64::from(joint[x * CLASSES + y]);
            of_a[x] += c;
            of_b[y] += c;
        }
    }
    let n: u64 = of_a.iter().sum();
    let used = |c: &[u64]| c.iter().filter(|&&c| c > 0).count() as i64 - 1;
    // (k − 1)(l − 1)/(2 ln 2) bits come by chance; twice that to be safe.
    let chance = used(&of_a) * used(&of_b) * BIT as i64 * 14 / 10;
    let together = joint[CLASSES..].iter().map(|&c| u64::from(c));
    (entropy(of_a, n) + entropy(of_b, n)) as i64 - entropy(together, n) as i64 - chance
}
