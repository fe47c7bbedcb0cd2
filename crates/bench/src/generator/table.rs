//! A table of jets: several rows per event, columns of many kinds, relations between them, slow drifts.
//!
//! | columns | what a codec can find in them |
//! |---|---|
//! | event, run, time | counters, equal within an event; time is a multiple of 1/1024 s, f64 |
//! | pt, eta, phi, mass | little: nearly continuous; pt falls within an event |
//! | energy, px, py, pz | functions of the four before, exact up to rounding |
//! | p_b, p_c, p_u | sum to one up to rounding; depend on the label |
//! | label, n_tracks, rank, charge | integers of skewed laws |
//! | n_neutral, n_all | n_all = n_tracks + n_neutral |
//! | sv_mass, sv_lxy | NaN together, mostly |
//! | pv_x, pv_y, pv_z, met | equal within an event; pv drifts |
//! | met, score | mantissas cut to 10 and 12 bits |
//! | pt_raw | near a function of pt and eta |
//! | noise | nothing |
//! | sector, gain, trigger | gain is a function of sector, trigger nearly one of (sector, n_tracks); half of the sectors are active at a time, so that a short table does not hold all |

use std::io::{self, Read, Write};

use super::columns::{Column, Number, VALUES, at, lay_out};
use super::event::Events;
use super::rng::Rng;

/// Rows that are made at once; bounds the memory.
const ROWS: u64 = 1024;

/// What a table looks like. The drawn numbers are those of [`Variant::Standard`] in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// 124-byte records, all fields at a multiple of their width or of 4 bytes.
    #[default]
    Standard,
    /// The same columns in an order that the seed gives; fields are not aligned.
    Permuted,
    /// Kinematics as f64: 156-byte records.
    Double,
    /// In a tenth of the rows no relation holds.
    Violated,
    /// 125-byte records.
    Odd,
}

/// A generated table. Its bytes are a function of these three and the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Seed.
    pub seed: u64,
    /// Number of records.
    pub rows: u64,
    /// Kind of table.
    pub variant: Variant,
}

impl Table {
    /// The standard table that is the largest of at most `bytes` bytes.
    pub fn of_bytes(seed: u64, bytes: u64) -> Self {
        let mut table = Self { seed, rows: 0, variant: Variant::Standard };
        table.rows = bytes / table.record_bytes() as u64;
        table
    }

    /// Columns by rising offset; they cover the record.
    pub fn columns(&self) -> Vec<Column> {
        let mut values: Vec<(usize, Number)> = VALUES
            .iter()
            .enumerate()
            .filter(|&(i, _)| i != at::QUALITY || self.variant == Variant::Odd)
            .map(|(i, &(_, number))| (i, number))
            .collect();
        match self.variant {
            Variant::Standard | Variant::Violated => {}
            Variant::Permuted => {
                let mut rng = Rng::new(self.seed ^ 0x7065_726d);
                for i in (1..values.len()).rev() {
                    values.swap(i, rng.below(i as u32 + 1) as usize);
                }
            }
            Variant::Double => {
                for (i, number) in &mut values {
                    if (at::PT..=at::PZ).contains(i) {
                        *number = Number::F64;
                    }
                }
            }
            // The odd byte stands in the middle, so that most fields are not aligned.
            Variant::Odd => values.rotate_right(20),
        }
        lay_out(values)
    }

    /// Size of a record in bytes.
    pub fn record_bytes(&self) -> usize {
        self.columns().last().map_or(0, |c| c.offset + c.number.bytes())
    }

    /// Size of the table in bytes.
    pub fn bytes(&self) -> u64 {
        self.rows * self.record_bytes() as u64
    }

    /// The layout file (`NAME.meta.json`) of the table.
    pub fn layout_json(&self) -> String {
        let fields: Vec<String> = self
            .columns()
            .iter()
            .map(|c| {
                let (name, offset, kind) = (c.name, c.offset, c.number.name());
                format!(r#"{{"name": "{name}", "offset": {offset}, "kind": "{kind}"}}"#)
            })
            .collect();
        let record = self.record_bytes();
        format!("{{\"record_bytes\": {record}, \"fields\": [\n{}\n]}}\n", fields.join(",\n"))
    }

    /// Reads the table in bounded memory.
    pub fn reader(&self) -> TableReader {
        let violations = if self.variant == Variant::Violated { 102 } else { 0 };
        TableReader {
            events: Events::new(self.seed, self.variant == Variant::Double, violations),
            columns: self.columns(),
            record_bytes: self.record_bytes(),
            rows_left: self.rows,
            buffer: Vec::new(),
            at: 0,
        }
    }

    /// Writes the table in bounded memory.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to<W: Write>(&self, mut out: W) -> io::Result<()> {
        let mut reader = self.reader();
        while reader.fill() {
            out.write_all(&reader.buffer)?;
        }
        Ok(())
    }

    /// The table's bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(usize::try_from(self.bytes()).unwrap_or(0));
        let mut reader = self.reader();
        while reader.fill() {
            out.extend_from_slice(&reader.buffer);
        }
        out
    }
}

/// A table as a stream of bytes.
#[derive(Clone, Debug)]
pub struct TableReader {
    events: Events,
    columns: Vec<Column>,
    record_bytes: usize,
    rows_left: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl TableReader {
    /// Makes the next rows; false at the end.
    fn fill(&mut self) -> bool {
        let rows = self.rows_left.min(ROWS);
        self.rows_left -= rows;
        self.at = 0;
        self.buffer.resize(rows as usize * self.record_bytes, 0);
        for record in self.buffer.chunks_exact_mut(self.record_bytes) {
            let row = self.events.next_row();
            for column in &self.columns {
                column.store(row, record);
            }
        }
        rows > 0
    }
}

impl Read for TableReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.buffer.len() && !self.fill() {
            return Ok(0);
        }
        let n = out.len().min(self.buffer.len() - self.at);
        out[..n].copy_from_slice(&self.buffer[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}
