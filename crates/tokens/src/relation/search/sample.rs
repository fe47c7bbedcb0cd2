//! The sampled table as the search sees it.
//!
//! Rows are split into a search half and a validation half. A few hundred rows of the search half are held
//! as f64 (column-major); the seed rows are among them.

use crate::layout::Kind;
use crate::ordered::to_f64;
use crate::relation::{Predictor, cost};

/// Rows held as f64.
const CHECK_ROWS: usize = 256;
/// Rows that a candidate of one target is checked on.
const ROWS_OF_TARGET: usize = 48;
/// Most seed rows.
pub(crate) const SEEDS: usize = 8;

/// A sampled table.
pub(crate) struct Sample<'a> {
    pub kinds: &'a [Kind],
    columns: &'a [Vec<u64>],
    /// First row of the validation half.
    half: usize,
    /// What each field costs alone on the validation half, in bits per value.
    pub alone: Vec<f64>,
    /// Share of rows of the search half whose value is not the field's most frequent one.
    pub nontrivial: Vec<f64>,
    /// The most frequent bit pattern of each field.
    pub mode: Vec<u64>,
    /// Quantum of each field ([`cost::quantum_of`]).
    pub quantum: Vec<u8>,
    /// Fields that may be sources: not constant and no exact duplicate of an earlier field.
    pub sources: Vec<u16>,
    /// The earlier field that a field duplicates.
    pub duplicate_of: Vec<Option<u16>>,
    /// Rows (of the whole sample) that are held as f64.
    pub check_rows: Vec<usize>,
    /// Indices into `check_rows`: the seeds.
    pub seeds: Vec<usize>,
    values: Vec<f64>,
    /// For each field, indices into `check_rows` where it is not trivial.
    target_rows: Vec<Vec<u16>>,
}

impl<'a> Sample<'a> {
    pub fn new(kinds: &'a [Kind], columns: &'a [Vec<u64>]) -> Self {
        let n = kinds.len();
        let rows = columns[0].len();
        let half = rows / 2;
        let mut scratch = Vec::new();
        let alone =
            (0..n).map(|f| cost::alone(kinds[f], &columns[f][half..], &mut scratch)).collect();
        let quantum = (0..n).map(|f| cost::quantum_of(kinds[f], &columns[f][..half])).collect();
        let mut mode = vec![0; n];
        let mut nontrivial = vec![0.0; n];
        for f in 0..n {
            let (value, count) = most_frequent(&columns[f][..half], &mut scratch);
            mode[f] = value;
            nontrivial[f] = (half - count) as f64 / half as f64;
        }
        let mut sample = Self {
            kinds,
            columns,
            half,
            alone,
            nontrivial,
            mode,
            quantum,
            sources: Vec::new(),
            duplicate_of: vec![None; n],
            check_rows: Vec::new(),
            seeds: Vec::new(),
            values: Vec::new(),
            target_rows: Vec::new(),
        };
        sample.find_duplicates();
        sample.choose_rows();
        sample
    }

    fn find_duplicates(&mut self) {
        let mut hashed: Vec<(u64, u16)> = Vec::new();
        for f in 0..self.kinds.len() {
            if self.nontrivial[f] > 0.0 {
                let h = self.columns[f].iter().fold(u64::from(self.kinds[f].bits()), |h, &v| {
                    (h.rotate_left(23) ^ v).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                });
                hashed.push((h, f as u16));
            }
        }
        hashed.sort_unstable();
        for pair in hashed.windows(2) {
            let (first, f) = (pair[0], pair[1]);
            if first.0 == f.0 && self.columns[first.1 as usize] == self.columns[f.1 as usize] {
                let original = self.duplicate_of[first.1 as usize].unwrap_or(first.1);
                self.duplicate_of[f.1 as usize] = Some(original);
            }
        }
        self.sources = (0..self.kinds.len() as u16)
            .filter(|&f| {
                self.nontrivial[f as usize] > 0.0 && self.duplicate_of[f as usize].is_none()
            })
            .collect();
    }

    /// Seeds cover as many fields as possible with values that are not trivial; the other rows are spread.
    fn choose_rows(&mut self) {
        let half = self.half;
        let pool: Vec<usize> = {
            let n = half.min(CHECK_ROWS * 2);
            (0..n).map(|i| i * half / n).collect()
        };
        let usable: Vec<Vec<bool>> = pool
            .iter()
            .map(|&r| {
                let usable = |&f: &u16| {
                    let raw = self.columns[f as usize][r];
                    let x = to_f64(self.kinds[f as usize], raw);
                    raw != self.mode[f as usize] && x.is_finite() && x != 0.0
                };
                self.sources.iter().map(usable).collect()
            })
            .collect();
        let mut covered = vec![0u32; self.sources.len()];
        let mut taken = vec![false; pool.len()];
        let mut chosen = Vec::new();
        for _ in 0..SEEDS.min(pool.len()) {
            let mut best: Option<(u64, usize)> = None;
            for (i, row) in usable.iter().enumerate() {
                if taken[i] {
                    continue;
                }
                let gain: u64 = row
                    .iter()
                    .zip(&covered)
                    .map(|(&u, &c)| if u { 4096 >> (2 * c.min(6)) } else { 0 })
                    .sum();
                // Ties go to the row that stands first.
                if best.is_none_or(|b| gain > b.0) {
                    best = Some((gain, i));
                }
            }
            let Some((_, i)) = best else { break };
            taken[i] = true;
            chosen.push(pool[i]);
            for (c, &u) in covered.iter_mut().zip(&usable[i]) {
                *c += u32::from(u);
            }
        }
        self.seeds = (0..chosen.len()).collect();
        let others = pool.len().min(CHECK_ROWS);
        for i in 0..others {
            let r = pool[i * pool.len() / others];
            if !chosen.contains(&r) {
                chosen.push(r);
            }
        }
        self.check_rows = chosen;
        for f in 0..self.kinds.len() {
            let column = &self.columns[f];
            self.values.extend(self.check_rows.iter().map(|&r| to_f64(self.kinds[f], column[r])));
            let rows = (0..self.check_rows.len() as u16)
                // The spread rows first: seeds would confirm themselves.
                .cycle()
                .skip(self.seeds.len())
                .take(self.check_rows.len())
                .filter(|&r| column[self.check_rows[r as usize]] != self.mode[f])
                .take(ROWS_OF_TARGET)
                .collect();
            self.target_rows.push(rows);
        }
    }

    /// The value of a field in a check row.
    #[inline]
    pub fn value(&self, field: u16, check_row: usize) -> f64 {
        self.values[field as usize * self.check_rows.len() + check_row]
    }

    /// The bits of a field in a check row.
    #[inline]
    pub fn raw(&self, field: u16, check_row: usize) -> u64 {
        self.columns[field as usize][self.check_rows[check_row]]
    }

    /// Check rows where the field is not trivial.
    pub fn rows_of(&self, field: u16) -> &[u16] {
        &self.target_rows[field as usize]
    }

    /// What a value of the field costs in the rows where it is not trivial.
    pub fn alone_there(&self, field: u16) -> f64 {
        let share = self.nontrivial[field as usize].max(1.0 / 64.0);
        (self.alone[field as usize] / share).min(f64::from(self.kinds[field as usize].bits()))
    }

    /// The search half of a column.
    pub fn search(&self, field: u16) -> &[u64] {
        &self.columns[field as usize][..self.half]
    }

    /// The validation half of a column.
    pub fn validation(&self, field: u16) -> &[u64] {
        &self.columns[field as usize][self.half..]
    }

    /// Predicts the validation half.
    pub fn predict_validation(&self, predictor: &Predictor, target: Kind, out: &mut [u64]) {
        self.predict(predictor, target, self.half, out);
    }

    /// Predicts the first rows of the search half.
    pub fn predict_search(&self, predictor: &Predictor, target: Kind, out: &mut [u64]) {
        self.predict(predictor, target, 0, out);
    }

    fn predict(&self, predictor: &Predictor, target: Kind, from: usize, out: &mut [u64]) {
        // Only the sources' columns are needed.
        let mut local = predictor.clone();
        let sources = predictor.sources().to_vec();
        local.renumber(|i| i as u16);
        let kinds: Vec<Kind> = sources.iter().map(|&s| self.kinds[s as usize]).collect();
        let columns: Vec<&[u64]> =
            sources.iter().map(|&s| &self.columns[s as usize][from..]).collect();
        local.predict_block(&kinds, target, &columns, out);
    }
}

fn most_frequent(values: &[u64], scratch: &mut Vec<u64>) -> (u64, usize) {
    scratch.clear();
    scratch.extend_from_slice(values);
    scratch.sort_unstable();
    let mut best = (0, 0);
    for run in scratch.chunk_by(|a, b| a == b) {
        if run.len() > best.1 {
            best = (run[0], run.len());
        }
    }
    best
}
