//! A sample of records as columns, in runs of consecutive records spread evenly over the data.

use crate::layout::RecordLayout;

/// Most sampled records.
const MAX_ROWS: usize = 1 << 16;
/// Most sampled values (records × fields).
const MAX_VALUES: usize = 1 << 22;
/// Consecutive records of a run.
const RUN: usize = 512;
/// Most values given to the relation search.
const SEARCH_VALUES: usize = 1 << 20;
const SEARCH_ROWS: usize = 1 << 13;

/// Sampled records: bit patterns by field, and those of the record before each.
pub(super) struct Sample {
    pub columns: Vec<Vec<u64>>,
    pub previous: Vec<Vec<u64>>,
}

impl Sample {
    pub fn take(layout: &RecordLayout, bytes: &[u8]) -> Self {
        let size = layout.record_bytes;
        let total = bytes.len() / size;
        let want = MAX_ROWS.min((MAX_VALUES / layout.fields.len()).max(RUN)).min(total);
        let runs = want.div_ceil(RUN).max(1);
        let mut columns = vec![Vec::with_capacity(want); layout.fields.len()];
        let mut previous = columns.clone();
        for i in 0..runs {
            // Run i covers its part of the data from the part's start.
            let start = (i as u128 * total as u128 / runs as u128) as usize;
            let end = ((i as u128 + 1) * total as u128 / runs as u128) as usize;
            let len = if want == total { end - start } else { RUN.min(end - start) };
            for r in start..start + len {
                let record = &bytes[r * size..(r + 1) * size];
                let before = r.checked_sub(1).map(|p| &bytes[p * size..(p + 1) * size]);
                for (f, field) in layout.fields.iter().enumerate() {
                    columns[f].push(field.load(record));
                    previous[f].push(before.map_or(0, |b| field.load(b)));
                }
            }
        }
        Self { columns, previous }
    }

    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Rows for the relation search: every n-th run of the sample.
    pub fn search_columns(&self) -> Vec<Vec<u64>> {
        let want = (SEARCH_VALUES / self.columns.len()).clamp(RUN, SEARCH_ROWS);
        let step = self.rows().div_ceil(want).max(1);
        self.columns
            .iter()
            .map(|c| {
                c.chunks(RUN)
                    .enumerate()
                    .filter(|(i, _)| i % step == 0)
                    .flat_map(|(_, r)| r)
                    .copied()
                    .collect()
            })
            .collect()
    }
}
