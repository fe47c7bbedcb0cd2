//! Choosing relations so that every source can be decoded before its target.

use super::Priced;
use crate::relation::Predictor;

/// The relations taken so far.
pub(crate) struct Choice {
    pub predictors: Vec<Option<Predictor>>,
    pub saved: Vec<f64>,
}

impl Choice {
    pub fn new(fields: usize) -> Self {
        Self { predictors: vec![None; fields], saved: vec![0.0; fields] }
    }

    /// Takes candidates by falling net saving, as long as none closes a cycle.
    pub fn take(&mut self, mut priced: Vec<Priced>) {
        // A stable sort: equal savings keep the order of the fields.
        priced.sort_by(|a, b| b.net.total_cmp(&a.net));
        for p in priced {
            if self.predictors[p.target as usize].is_none()
                && self.allows(p.target, p.predictor.sources())
            {
                self.set(p);
            }
        }
    }

    /// Takes one relation.
    pub fn set(&mut self, p: Priced) {
        self.saved[p.target as usize] = p.saved;
        self.predictors[p.target as usize] = Some(p.predictor);
    }

    /// Whether `target` may depend on these sources.
    pub fn allows(&self, target: u16, sources: &[u16]) -> bool {
        let behind = self.behind(target);
        sources.iter().all(|&s| !behind[s as usize])
    }

    /// The fields that depend on `target`, and itself.
    pub fn behind(&self, target: u16) -> Vec<bool> {
        // 0 unknown, 1 behind, 2 not
        let n = self.predictors.len();
        let mut state = vec![0u8; n];
        state[target as usize] = 1;
        let mut stack: Vec<u16> = Vec::new();
        for f in 0..n as u32 {
            stack.push(f as u16);
            while let Some(&g) = stack.last() {
                let sources = self.predictors[g as usize].as_ref().map_or(&[][..], |p| p.sources());
                if state[g as usize] != 0 {
                    stack.pop();
                } else if sources.iter().any(|&s| state[s as usize] == 1) {
                    state[g as usize] = 1;
                } else if let Some(&s) = sources.iter().find(|&&s| state[s as usize] == 0) {
                    stack.push(s);
                } else {
                    state[g as usize] = 2;
                }
            }
        }
        state.iter().map(|&s| s == 1).collect()
    }

    /// The fields in their own order, but sources before targets.
    pub fn order(&self) -> Vec<u16> {
        let n = self.predictors.len();
        let mut done = vec![false; n];
        let mut order = Vec::with_capacity(n);
        let mut stack: Vec<u16> = Vec::new();
        for f in 0..n as u32 {
            stack.push(f as u16);
            while let Some(&g) = stack.last() {
                let sources = self.predictors[g as usize].as_ref().map_or(&[][..], |p| p.sources());
                if done[g as usize] {
                    stack.pop();
                } else if let Some(&s) = sources.iter().find(|&&s| !done[s as usize]) {
                    stack.push(s);
                } else {
                    done[g as usize] = true;
                    order.push(g);
                    stack.pop();
                }
            }
        }
        order
    }
}
