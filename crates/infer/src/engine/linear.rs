//! Linear maps packed for the matrix kernel.
//!
//! Rows are padded with zeros to whole panels of 16, columns to whole pairs. A map whose sums fit 32 bits is one block of
//! pairs; another is cut into blocks of 256 pairs, whose sums always fit, added in 64 bits.

use super::columns::{Columns, Padded};
use crate::kernels::matrix::{PairOfRows, ROWS, multiply};
use crate::ops::RESIDUAL_MAX;
use crate::ops::linear::Linear;
use crate::ops::rescale::{Raised, Rescale};
use crate::{Isa, Task};

/// Pairs of a block of a map that does not fit 32 bits: 512 · 127 · 32767 < 2^31.
const BLOCK_PAIRS: usize = 256;

/// A linear map.
#[derive(Clone, Debug)]
pub(super) struct PackedLinear {
    /// Panels one after another, `pairs` each.
    weights: Vec<PairOfRows>,
    pairs: usize,
    scales: Vec<PanelScales>,
    /// Whether blocks must be added in 64 bits.
    wide: bool,
}

/// Factors of the rows of a panel.
#[derive(Clone, Debug)]
struct PanelScales {
    factors: [Rescale; ROWS],
    multiplier: [i32; ROWS],
    half: [i32; ROWS],
    shift: [u32; ROWS],
}

impl PanelScales {
    fn new(factors: [Rescale; ROWS]) -> Self {
        let raised = factors.map(Rescale::raised);
        Self {
            factors,
            multiplier: raised.map(|r| r.multiplier),
            half: raised.map(|r| r.half),
            shift: raised.map(|r| r.shift),
        }
    }
}

/// Sums of one panel with all columns.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    narrow: Vec<[i32; ROWS]>,
    wide: Vec<[i64; ROWS]>,
}

impl Sums {
    pub fn new(columns: usize) -> Self {
        Self { narrow: vec![[0; ROWS]; columns], wide: vec![[0; ROWS]; columns] }
    }
}

impl PackedLinear {
    pub fn new(linear: &Linear) -> Self {
        let (rows, columns) = (linear.rows(), linear.columns());
        let pairs = columns.div_ceil(2);
        let weight = |row: usize, column: usize| {
            let inside = row < rows && column < columns;
            if inside { linear.weights[row * columns + column] } else { 0 }
        };
        let panels = rows.div_ceil(ROWS);
        let mut weights = Vec::with_capacity(panels * pairs);
        for panel in 0..panels {
            weights.extend((0..pairs).map(|pair| -> PairOfRows {
                std::array::from_fn(|r| [0, 1].map(|i| weight(panel * ROWS + r, 2 * pair + i)))
            }));
        }
        let factor = |row: usize| linear.scales.get(row).copied().unwrap_or(Rescale::ZERO);
        let scales = (0..panels)
            .map(|panel| PanelScales::new(std::array::from_fn(|r| factor(panel * ROWS + r))))
            .collect();
        Self { weights, pairs, scales, wide: !linear.fits_i32() }
    }

    /// Bytes that this one takes.
    #[cfg(test)]
    pub fn held(&self) -> u64 {
        (size_of::<Self>() + size_of_val(&self.weights[..]) + size_of_val(&self.scales[..])) as u64
    }

    /// Bytes of a packed map.
    pub fn bytes(rows: usize, columns: usize) -> u64 {
        let panel = columns.div_ceil(2) * size_of::<PairOfRows>() + size_of::<PanelScales>();
        (rows.div_ceil(ROWS) * panel + size_of::<Self>()) as u64
    }

    /// `y = clamp(rescale(w · x), bound)`, as activations; the padding of y becomes zero.
    pub fn apply(
        &self,
        isa: Isa,
        x: Padded<'_, i16>,
        sums: &mut Sums,
        bound: i32,
        y: &mut Columns<i16>,
    ) {
        self.each_panel(isa, x, sums, &mut Activations { y, bound });
    }

    /// `y = clamp(rescale(w · x), bound)` in 32 bits.
    pub fn apply_i32(
        &self,
        isa: Isa,
        x: Padded<'_, i16>,
        sums: &mut Sums,
        bound: i32,
        y: &mut Columns<i32>,
    ) {
        self.each_panel(isa, x, sums, &mut Numbers { y, bound });
    }

    /// `y = clamp(y + clamp(rescale(w · x)))`, both to the range of the residual stream.
    pub fn add(&self, isa: Isa, x: Padded<'_, i16>, sums: &mut Sums, y: &mut Columns<i32>) {
        self.each_panel(isa, x, sums, &mut Residual { y });
    }

    fn each_panel(&self, isa: Isa, x: Padded<'_, i16>, sums: &mut Sums, sink: &mut impl Sink) {
        let columns = x.count();
        for (index, scales) in self.scales.iter().enumerate() {
            let panel = &self.weights[index * self.pairs..][..self.pairs];
            let narrow = &mut sums.narrow[..columns];
            if !self.wide {
                multiply(isa, panel, x.data, x.stride, narrow);
                isa.run(Narrow { sums: narrow, scales, index, sink });
                continue;
            }
            let wide = &mut sums.wide[..columns];
            wide.fill([0; ROWS]);
            for (block, panel) in panel.chunks(BLOCK_PAIRS).enumerate() {
                multiply(isa, panel, &x.data[2 * block * BLOCK_PAIRS..], x.stride, narrow);
                for (wide, narrow) in wide.as_flattened_mut().iter_mut().zip(narrow.as_flattened())
                {
                    *wide += i64::from(*narrow);
                }
            }
            for (column, sums) in wide.iter().enumerate() {
                let bound = sink.bound();
                let values = std::array::from_fn(|r| scales.factors[r].clamped(sums[r], bound));
                sink.put(column, index, &values);
            }
        }
    }
}

/// Where the rows of a panel go.
trait Sink {
    fn bound(&self) -> i32;
    fn put(&mut self, column: usize, panel: usize, values: &[i32; ROWS]);
}

struct Activations<'a> {
    y: &'a mut Columns<i16>,
    bound: i32,
}

impl Sink for Activations<'_> {
    #[inline(always)]
    fn bound(&self) -> i32 {
        self.bound
    }

    #[inline(always)]
    fn put(&mut self, column: usize, panel: usize, values: &[i32; ROWS]) {
        *self.y.block_mut(column, panel) = values.map(|v| v as i16);
    }
}

struct Numbers<'a> {
    y: &'a mut Columns<i32>,
    bound: i32,
}

impl Sink for Numbers<'_> {
    #[inline(always)]
    fn bound(&self) -> i32 {
        self.bound
    }

    #[inline(always)]
    fn put(&mut self, column: usize, panel: usize, values: &[i32; ROWS]) {
        *self.y.block_mut(column, panel) = *values;
    }
}

struct Residual<'a> {
    y: &'a mut Columns<i32>,
}

impl Sink for Residual<'_> {
    #[inline(always)]
    fn bound(&self) -> i32 {
        RESIDUAL_MAX
    }

    #[inline(always)]
    fn put(&mut self, column: usize, panel: usize, values: &[i32; ROWS]) {
        for (y, &value) in self.y.block_mut(column, panel).iter_mut().zip(values) {
            *y = (*y + value).clamp(-RESIDUAL_MAX, RESIDUAL_MAX);
        }
    }
}

/// Rescales 32-bit sums.
struct Narrow<'a, S> {
    sums: &'a [[i32; ROWS]],
    scales: &'a PanelScales,
    index: usize,
    sink: &'a mut S,
}

impl<S: Sink> Task for Narrow<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let bound = self.sink.bound();
        let PanelScales { multiplier, half, shift, .. } = self.scales;
        for (column, sums) in self.sums.iter().enumerate() {
            let mut values = [0; ROWS];
            for r in 0..ROWS {
                let factor = Raised { multiplier: multiplier[r], half: half[r], shift: shift[r] };
                values[r] = factor.apply(sums[r]).clamp(-bound, bound);
            }
            self.sink.put(column, self.index, &values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose sums leave 32 bits, by the largest activations, in every block and by their ends alone.
    #[test]
    fn wide_maps_are_exact() {
        for columns in [517, 1100, 2049] {
            let row = |r: usize| {
                (0..columns).map(move |c| match r {
                    0 => 127,
                    1 => -127,
                    2 => {
                        if c < columns / 2 {
                            127
                        } else {
                            -127
                        }
                    }
                    _ => ((r * c * 31) % 255) as i8 / 2,
                })
            };
            let linear = Linear {
                weights: (0..19).flat_map(row).collect(),
                scales: vec![Rescale::from_ratio(1, 2000); 19],
            };
            assert!(!linear.fits_i32());
            let mut x = Columns::<i16>::new(columns, 3);
            x.column_mut(0).fill(32767);
            x.column_mut(1).fill(-32767);
            for (c, x) in x.column_mut(2).iter_mut().enumerate() {
                *x = if c < columns / 3 { 32767 } else { 1 };
            }
            let packed = PackedLinear::new(&linear);
            assert_eq!(PackedLinear::bytes(19, columns), packed.held());
            for isa in Isa::available() {
                let mut y = Columns::<i32>::new(19, 3);
                packed.apply_i32(isa, x.first(3), &mut Sums::new(3), RESIDUAL_MAX, &mut y);
                for column in 0..3 {
                    let mut expected = vec![0; 19];
                    linear.apply(x.column(column), RESIDUAL_MAX, &mut expected);
                    assert_eq!(y.column(column), expected, "{isa:?} {columns}");
                }
                assert!(y.column(0)[0] > 1_000_000 && y.column(0)[0] < RESIDUAL_MAX);
            }
        }
    }
}
