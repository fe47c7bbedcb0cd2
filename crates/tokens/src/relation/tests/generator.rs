//! Deterministic tables of kinematic quantities and noise.

use crate::layout::Kind;
use crate::relation::math::{cos, cosh, sin, sinh, sqrt};
use crate::relation::{Found, SearchOptions, find_relations};

/// splitmix64.
pub(super) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [a, b).
    pub fn range(&mut self, a: f64, b: f64) -> f64 {
        a + (b - a) * self.unit()
    }

    /// Uniform below n.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// A table under construction.
#[derive(Default)]
pub(super) struct Table {
    pub kinds: Vec<Kind>,
    pub columns: Vec<Vec<u64>>,
}

impl Table {
    /// Adds a column of f32 values; returns its index.
    pub fn f32(&mut self, values: impl IntoIterator<Item = f64>) -> usize {
        self.add(Kind::F32, values.into_iter().map(|v| u64::from((v as f32).to_bits())))
    }

    /// Adds a column of f64 values; returns its index.
    pub fn f64(&mut self, values: impl IntoIterator<Item = f64>) -> usize {
        self.add(Kind::F64, values.into_iter().map(f64::to_bits))
    }

    /// Adds a column of bit patterns; returns its index.
    pub fn add(&mut self, kind: Kind, raw: impl IntoIterator<Item = u64>) -> usize {
        self.kinds.push(kind);
        self.columns.push(raw.into_iter().collect());
        self.columns.len() - 1
    }

    /// Replaces a share of a column's values by those of other rows.
    pub fn violate(&mut self, column: usize, share: f64, seed: u64) {
        let mut random = Random(seed);
        let n = self.columns[column].len();
        for r in 0..n {
            if random.unit() < share {
                self.columns[column][r] = self.columns[column][random.below(n as u64) as usize];
            }
        }
    }

    /// Columns in another order: column i of the result is column `order[i]`.
    pub fn permuted(&self, order: &[usize]) -> Table {
        Table {
            kinds: order.iter().map(|&i| self.kinds[i]).collect(),
            columns: order.iter().map(|&i| self.columns[i].clone()).collect(),
        }
    }

    /// Searches with the default options and checks what always holds: no cycles, all fields in the order once.
    pub fn find(&self) -> Found {
        self.find_with(&SearchOptions::default())
    }

    pub fn find_with(&self, options: &SearchOptions) -> Found {
        let found = find_relations(&self.kinds, &self.columns, options);
        let mut placed = vec![false; self.kinds.len()];
        for &f in &found.order {
            if let Some(p) = &found.predictors[f as usize] {
                assert!(p.sources().iter().all(|&s| placed[s as usize]), "source after target {f}");
                assert!(found.saved_bits[f as usize] > 0.0);
            }
            assert!(!placed[f as usize]);
            placed[f as usize] = true;
        }
        assert!(placed.iter().all(|&p| p));
        found
    }
}

/// Columns pt, eta, phi, m and, computed from those before rounding to f32, px, py, pz, E.
pub(super) fn four_vectors(rows: usize, seed: u64) -> Table {
    let mut random = Random(seed);
    let v: Vec<[f64; 4]> = (0..rows)
        .map(|_| {
            let pt = 20.0 / (1.0 - random.unit()).max(1e-3);
            [pt, random.range(-2.5, 2.5), random.range(-3.1, 3.1), pt * random.range(0.05, 0.3)]
        })
        .collect();
    let mut t = Table::default();
    for k in 0..4 {
        t.f32(v.iter().map(|v| v[k]));
    }
    t.f32(v.iter().map(|v| v[0] * cos(v[2])));
    t.f32(v.iter().map(|v| v[0] * sin(v[2])));
    t.f32(v.iter().map(|v| v[0] * sinh(v[1])));
    t.f32(v.iter().map(|v| sqrt(v[3] * v[3] + (v[0] * cosh(v[1])) * (v[0] * cosh(v[1])))));
    t
}

/// A column of Gaussian-like noise.
pub(super) fn noise(rows: usize, seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    (0..rows).map(|_| (0..6).map(|_| random.range(-1.0, 1.0)).sum()).collect()
}
