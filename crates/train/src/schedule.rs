//! The learning rate: linear warm-up, then half a cosine down to a floor.
//!
//! `lr(s) = peak · (s + 1)/warmup` for `s < warmup`, then
//! `floor + (peak − floor) · (1 + cos(π · (s − warmup)/(steps − warmup)))/2`.

use serde::{Deserialize, Serialize};

/// A schedule over steps 0, 1, ….
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Largest rate.
    pub peak: f64,
    /// Last rate.
    pub floor: f64,
    /// Steps of the warm-up.
    pub warmup: u64,
    /// Steps in all; the rate stays at the floor afterwards.
    pub steps: u64,
}

impl Schedule {
    /// The rate of a step.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        let falling = self.steps.saturating_sub(self.warmup).max(1);
        let done = ((step - self.warmup) as f64 / falling as f64).min(1.0);
        let wave = (1.0 + (std::f64::consts::PI * done).cos()) / 2.0;
        self.floor + (self.peak - self.floor) * wave
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_then_falls_to_the_floor() {
        let s = Schedule { peak: 3e-3, floor: 9e-5, warmup: 50, steps: 1050 };
        assert!((s.rate(0) - 3e-3 / 50.0).abs() < 1e-12);
        assert_eq!(s.rate(49), 3e-3);
        assert_eq!(s.rate(50), 3e-3);
        assert!((s.rate(550) - (3e-3 + 9e-5) / 2.0).abs() < 1e-12);
        assert!((s.rate(1050) - 9e-5).abs() < 1e-12);
        assert_eq!(s.rate(5000), s.rate(1050));
        assert!((51..1050).all(|i| s.rate(i) < s.rate(i - 1)));
    }

    #[test]
    fn no_warm_up_starts_at_the_peak() {
        let s = Schedule { peak: 1.0, floor: 0.0, warmup: 0, steps: 10 };
        assert_eq!(s.rate(0), 1.0);
    }
}
