//! Vectors of a piece as columns of a matrix, and the operations that work column by column.

use crate::Task;
use crate::config::IntConfig;
use crate::ops::embed::read;
use crate::ops::norm::rms_norm;
use crate::ops::swiglu::{SILU_LEN, gated};
use crate::reference::Input;
use crate::weights::IntModel;

/// Numbers to a multiple of which a column is padded: the rows of a panel.
pub(super) const ALIGN: usize = 16;

/// Columns one after another, each padded with zeros. Padding is never read as anything else.
#[derive(Clone, Debug)]
pub(super) struct Columns<T> {
    data: Vec<T>,
    stride: usize,
    width: usize,
}

impl<T: Copy + Default> Columns<T> {
    /// `count` columns of `width` numbers.
    pub fn new(width: usize, count: usize) -> Self {
        let stride = width.next_multiple_of(ALIGN);
        Self { data: vec![T::default(); stride * count], stride, width }
    }

    /// A column without its padding.
    #[inline(always)]
    pub fn column(&self, index: usize) -> &[T] {
        &self.data[index * self.stride..][..self.width]
    }

    /// A column without its padding.
    #[inline(always)]
    pub fn column_mut(&mut self, index: usize) -> &mut [T] {
        &mut self.data[index * self.stride..][..self.width]
    }

    /// Some columns with their padding.
    pub fn range(&self, columns: std::ops::Range<usize>) -> Padded<'_, T> {
        let data = &self.data[columns.start * self.stride..columns.end * self.stride];
        Padded { data, stride: self.stride }
    }

    /// The first columns with their padding.
    pub fn first(&self, columns: usize) -> Padded<'_, T> {
        self.range(0..columns)
    }

    /// The block of [`ALIGN`] numbers from `row` on.
    #[inline(always)]
    pub fn block_mut(&mut self, column: usize, block: usize) -> &mut [T; ALIGN] {
        let (blocks, _) = self.data.as_chunks_mut::<ALIGN>();
        &mut blocks[column * (self.stride / ALIGN) + block]
    }
}

/// Columns with their padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padded<'a, T> {
    pub data: &'a [T],
    pub stride: usize,
}

impl<T> Padded<'_, T> {
    /// Number of columns.
    pub fn count(&self) -> usize {
        self.data.len() / self.stride
    }
}

/// Input vectors of the first block.
pub(super) struct Read<'a> {
    pub model: &'a IntModel,
    pub inputs: &'a [Input],
    pub lanes: usize,
    pub position: u64,
    pub started: bool,
    pub x: &'a mut Columns<i32>,
}

impl Task for Read<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (config, weights): (&IntConfig, _) = (self.model.config(), self.model.weights());
        for (column, input) in self.inputs.iter().enumerate() {
            let t = column / self.lanes;
            let last = (self.started || t > 0).then_some(input.previous);
            let position = self.position.wrapping_add(t as u64);
            read(config, weights, position, last, input.above, self.x.column_mut(column));
        }
    }
}

/// RMS norm of the first columns.
pub(super) struct Normalise<'a> {
    pub x: &'a Columns<i32>,
    pub gain: &'a [i16],
    pub epsilon: u64,
    pub columns: usize,
    pub y: &'a mut Columns<i16>,
}

impl Task for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for column in 0..self.columns {
            rms_norm(self.x.column(column), self.gain, self.epsilon, self.y.column_mut(column));
        }
    }
}

/// The gated product, in the place of `up`.
pub(super) struct FeedForward<'a> {
    pub table: &'a [i16; SILU_LEN],
    pub gate: &'a Columns<i16>,
    pub up: &'a mut Columns<i16>,
    pub columns: usize,
}

impl Task for FeedForward<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for column in 0..self.columns {
            let gates = self.gate.column(column);
            for (up, &gate) in self.up.column_mut(column).iter_mut().zip(gates) {
                *up = gated(self.table, gate, *up);
            }
        }
    }
}
