//! Axes of plots: where values lie, and the ticks.
//!
//! `low < high`, both finite, and positive on a logarithmic axis. Logarithms are libm's, so that a page is the same on
//! every machine.

use libm::{ceil, exp10, floor, log10};

/// A logarithmic axis of ratios starts here: on a linear one small ratios would lie too close together.
const LOG_FROM: f64 = 5.0;

/// An axis from `low` to `high`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    log: bool,
    low: f64,
    high: f64,
}

/// A tick.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// Its place, from 0 to 1.
    pub at: f64,
    /// Its number.
    pub label: String,
}

/// Whether a value can be drawn: positive, and within what a measurement can give.
pub(super) fn drawable(x: f64) -> bool {
    (1e-9..=1e12).contains(&x)
}

impl Axis {
    /// From 0 to a value.
    pub(super) fn up_to(high: f64) -> Self {
        Self { log: false, low: 0.0, high: if drawable(high) { high } else { 1.0 } }
    }

    /// Linear, with some room around the values. None: nothing to draw.
    pub(super) fn linear(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (low, high) = span(values)?;
        let room = (0.08 * (high - low)).max(0.02 * high);
        Some(Self { log: false, low: (low - room).max(0.0), high: high + room })
    }

    /// Logarithmic, with some room around the values. None: nothing to draw.
    pub(super) fn log(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (low, high) = span(values)?;
        let room = exp10((0.06 * log10(high / low)).max(0.05));
        Some(Self { log: true, low: low / room, high: high * room })
    }

    /// Linear, or logarithmic if the values lie far apart.
    pub(super) fn ratios(values: &[f64]) -> Option<Self> {
        let (low, high) = span(values.iter().copied())?;
        let values = values.iter().copied();
        if high / low > LOG_FROM { Self::log(values) } else { Self::linear(values) }
    }

    /// Whether it is logarithmic.
    pub(super) fn is_log(&self) -> bool {
        self.log
    }

    /// The place of a value, from 0 to 1.
    pub(super) fn at(&self, x: f64) -> f64 {
        let place = if self.log {
            log10(x / self.low) / log10(self.high / self.low)
        } else {
            (x - self.low) / (self.high - self.low)
        };
        if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) }
    }

    /// At most about so many ticks.
    pub(super) fn ticks(&self, most: usize) -> Vec<Tick> {
        if !self.log {
            return self.even_ticks(most);
        }
        let sets: [&[f64]; 4] = [&[1.0, 2.0, 3.0, 5.0], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
        let set = sets.into_iter().map(|set| self.log_ticks(set, 1)).find(|t| t.len() <= most);
        let ticks = set.unwrap_or_else(|| self.log_ticks(&[1.0], 3));
        // Less than a decade can lie between two of them.
        if ticks.len() < 2 { self.even_ticks(most.min(4)) } else { ticks }
    }

    fn log_ticks(&self, digits: &[f64], every: usize) -> Vec<Tick> {
        let (first, last) = (floor(log10(self.low)) as i32, floor(log10(self.high)) as i32);
        let decades = (first..=last).step_by(every);
        let values = decades.flat_map(|decade| digits.iter().map(move |&d| (d, decade)));
        values
            .map(|(digit, decade)| (digit * exp10(f64::from(decade)), decade))
            .filter(|&(x, _)| (self.low..=self.high).contains(&x))
            .map(|(x, decade)| self.tick(x, decade))
            .collect()
    }

    fn even_ticks(&self, most: usize) -> Vec<Tick> {
        let rough = (self.high - self.low) / most.max(1) as f64;
        let decade = floor(log10(rough));
        let unit = exp10(decade);
        let (digit, decade) = match rough / unit {
            r if r <= 1.0 => (1.0, decade),
            r if r <= 2.0 => (2.0, decade),
            r if r <= 5.0 => (5.0, decade),
            _ => (1.0, decade + 1.0),
        };
        let step = digit * exp10(decade);
        let (first, last) = (ceil(self.low / step) as i64, floor(self.high / step) as i64);
        (first..=last).map(|i| self.tick(i as f64 * step, decade as i32)).collect()
    }

    /// A tick with the decimals that a decade needs.
    fn tick(&self, x: f64, decade: i32) -> Tick {
        let decimals = usize::try_from(-decade).unwrap_or(0);
        // One digit: on a logarithmic axis that is exact, and room is short.
        let short = self.log && !(1e-3..1e6).contains(&x);
        let label = if short { format!("{x:.0e}") } else { super::text::fixed(x, decimals) };
        Tick { at: self.at(x), label }
    }
}

/// Least and greatest of what can be drawn.
fn span(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .into_iter()
        .filter(|&x| drawable(x))
        .map(|x| (x, x))
        .reduce(|(low, high), (x, _)| (low.min(x), high.max(x)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, most: usize) -> Vec<String> {
        axis.ticks(most).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(Axis::up_to(3.0), 4), ["0", "1", "2", "3"]);
        assert_eq!(labels(Axis::linear([1.7, 3.0]).expect("values"), 4), ["2.0", "2.5", "3.0"]);
        let speeds = Axis::log([1.0, 1500.0]).expect("values");
        assert_eq!(labels(speeds, 5), ["1", "10", "100", "1000"]);
        let near = Axis::log([6.2, 6.3]).expect("values");
        assert!(labels(near, 5).len() >= 2);
    }

    #[test]
    fn odd_values_give_an_axis_or_none() {
        assert!(Axis::linear([f64::NAN, f64::INFINITY, 0.0, -1.0]).is_none());
        assert!(Axis::ratios(&[]).is_none());
        for axis in [Axis::linear([2.0, f64::NAN]), Axis::log([2.0]), Axis::ratios(&[1e-9, 1e12])] {
            let axis = axis.expect("a value");
            assert!(axis.low < axis.high);
            assert!((1..20).contains(&axis.ticks(6).len()), "{axis:?}");
            assert!((0.0..=1.0).contains(&axis.at(f64::NAN)));
        }
    }
}
