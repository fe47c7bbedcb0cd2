//! Frequencies of the static level: counted from what is coded, turned into tables at the start of each
//! block. Both sides count alike, so no table is stored.

use vxc_entropy::{read_varint, write_varint};

use super::contexts::Contexts;
use crate::error::PredictError;

/// Weight of a step's common distribution in the table of a class.
const SHRINKAGE: u64 = 24;
/// Counts of a table are halved beyond this total.
const LIMIT: u32 = 1 << 16;

/// Symbol counts of one step: of all its symbols, and of each class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    alphabet: usize,
    all: Vec<u32>,
    classes: Vec<Vec<u32>>,
}

impl Counts {
    fn new(alphabet: usize, classes: usize) -> Self {
        let classes = if classes > 1 { vec![vec![0; alphabet]; classes] } else { Vec::new() };
        Self { alphabet, all: vec![0; alphabet], classes }
    }

    fn tables_mut(&mut self) -> impl Iterator<Item = &mut Vec<u32>> {
        std::iter::once(&mut self.all).chain(&mut self.classes)
    }

    /// Appends the counts.
    pub fn save(&self, out: &mut Vec<u8>) {
        for &count in self.all.iter().chain(self.classes.iter().flatten()) {
            write_varint(out, count.into());
        }
    }

    /// Loads what [`Counts::save`] wrote for the same alphabet and classes.
    pub fn load(&mut self, input: &mut &[u8]) -> Result<(), PredictError> {
        for table in self.tables_mut() {
            let mut total = 0u64;
            for count in table.iter_mut() {
                let saved = read_varint(input)?;
                total = total.saturating_add(saved);
                // More than counting ever leaves.
                if total > u64::from(LIMIT) {
                    return Err(PredictError::Corrupt("counts of a saved model"));
                }
                *count = saved as u32;
            }
        }
        Ok(())
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.all.iter().all(|&count| count == 0)
    }

    /// Number of tables: one a class.
    pub fn tables(&self) -> usize {
        self.classes.len().max(1)
    }

    /// Weights of the table of a class, all positive.
    pub fn weights(&self, class: usize, out: &mut Vec<u32>) {
        out.clear();
        let total: u64 = self.all.iter().map(|&c| u64::from(c)).sum();
        match self.classes.get(class) {
            None => out.extend(self.all.iter().map(|&c| c * 32 + 16)),
            Some(own) => {
                // own + SHRINKAGE · (all + 1/2) / (total + alphabet/2), in units of 1/32
                let below = 2 * total + self.alphabet as u64;
                out.extend(own.iter().zip(&self.all).map(|(&c, &a)| {
                    let common = 32 * SHRINKAGE * (2 * u64::from(a) + 1) / below;
                    c * 32 + (common as u32).max(1)
                }));
            }
        }
    }

    /// Counts coded symbols; `classes` is unused where there is one table.
    pub fn add(&mut self, symbols: &[u8], classes: &[u8]) {
        // Four counters a symbol: an addition need not wait for the one before. 16 bits hold a quarter of 2^17.
        for symbols in symbols.chunks(1 << 17) {
            let mut counts = [[0u16; 4]; 256];
            let (whole, rest) = symbols.as_chunks::<4>();
            for four in whole {
                for (lane, &s) in four.iter().enumerate() {
                    counts[usize::from(s)][lane] += 1;
                }
            }
            for &s in rest {
                counts[usize::from(s)][0] += 1;
            }
            for (all, counts) in self.all.iter_mut().zip(&counts) {
                *all += counts.iter().map(|&count| u32::from(count)).sum::<u32>();
            }
        }
        if !self.classes.is_empty() {
            for (&s, &c) in symbols.iter().zip(classes) {
                self.classes[usize::from(c)][usize::from(s)] += 1;
            }
        }
        for table in self.tables_mut() {
            if table.iter().sum::<u32>() > LIMIT {
                for c in table.iter_mut() {
                    *c /= 2;
                }
            }
        }
    }
}

/// Counts for all steps.
pub fn fresh(alphabets: impl Iterator<Item = usize>, contexts: &Contexts) -> Vec<Counts> {
    alphabets
        .zip(&contexts.0)
        .map(|(a, c)| Counts::new(a, c.as_ref().map_or(1, |c| c.classes())))
        .collect()
}
