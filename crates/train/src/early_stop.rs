//! Early stopping: ends a run whose validation cost no longer falls.

use serde::{Deserialize, Serialize};

/// Watches validation costs (bits per byte, lower is better).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStop {
    /// evaluations in a row without improvement that stop the run. 0 = never stop.
    pub patience: u32,
    /// An improvement is a fall by more than this.
    pub min_delta: f64,
    /// Lowest cost that counted as an improvement.
    best: Option<f64>,
    /// Evaluations since then.
    waited: u32,
}

/// What an evaluation means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The best so far.
    Best,
    /// No improvement, go on.
    Wait,
    /// No improvement for too long.
    Stop,
}

impl EarlyStop {
    /// A watch that has seen nothing.
    pub fn new(patience: u32, min_delta: f64) -> Self {
        Self { patience, min_delta, best: None, waited: 0 }
    }

    /// Lowest cost so far.
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    /// Takes note of an evaluation. A cost that is no number never counts as an improvement.
    pub fn update(&mut self, cost: f64) -> Verdict {
        if cost.is_finite() && self.best.is_none_or(|best| cost < best - self.min_delta) {
            self.best = Some(cost);
            self.waited = 0;
            return Verdict::Best;
        }
        self.waited += 1;
        if self.patience > 0 && self.waited >= self.patience {
            Verdict::Stop
        } else {
            Verdict::Wait
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_after_patience_evaluations_without_improvement() {
        let mut e = EarlyStop::new(3, 1e-4);
        assert_eq!(e.update(2.0), Verdict::Best);
        assert_eq!(e.update(1.99995), Verdict::Wait);
        assert_eq!(e.update(1.9), Verdict::Best);
        assert_eq!(e.update(1.95), Verdict::Wait);
        assert_eq!(e.update(f64::NAN), Verdict::Wait);
        assert_eq!(e.update(1.9), Verdict::Stop);
        assert_eq!(e.best(), Some(1.9));
    }

    #[test]
    fn no_patience_never_stops() {
        let mut e = EarlyStop::new(0, 0.0);
        e.update(1.0);
        assert!((0..100).all(|_| e.update(2.0) == Verdict::Wait));
    }
}
