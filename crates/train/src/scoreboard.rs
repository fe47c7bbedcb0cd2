//! What a person sees while a network is trained: on a terminal a few live lines, elsewhere one line for each
//! evaluation.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::baseline::Baseline;
use crate::log::Line;

/// Marks of the trend, low to high.
const MARKS: &[u8] = b"_.,-~=+*#";
/// Evaluations that the trend shows.
const TREND: usize = 40;

/// The board.
pub struct Scoreboard {
    bar: Option<ProgressBar>,
    quiet: bool,
    steps: u64,
    first: u64,
    baselines: Vec<Baseline>,
    validation: Vec<f64>,
    last: Line,
}

impl Scoreboard {
    /// A board for a run of `steps` steps that starts at `first`. `quiet`: nothing is shown.
    pub fn new(steps: u64, first: u64, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar =
                ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(4));
            if let Ok(style) = ProgressStyle::with_template("{bar:30} step {pos}/{len}  {msg}") {
                bar.set_style(style);
            }
            bar.set_position(first);
            bar
        });
        let (baselines, validation, last) = (Vec::new(), Vec::new(), Line::default());
        Self { bar, quiet, steps, first, baselines, validation, last }
    }

    /// Sets what the network is compared with.
    pub fn compare_with(&mut self, baselines: Vec<Baseline>) {
        if !baselines.is_empty() {
            self.say(&format!("on the validation data: {}", names(&baselines)));
        }
        self.baselines = baselines;
    }

    /// A step was made.
    pub fn step(&self, step: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(step);
        }
    }

    /// A line of the log.
    pub fn show(&mut self, line: &Line) {
        let evaluated = line.validation_bpb.is_some();
        self.validation.extend(line.validation_bpb);
        self.last = Line {
            loss: line.loss.or(self.last.loss),
            train_bpb: line.train_bpb.or(self.last.train_bpb),
            tokens_per_second: line.tokens_per_second.or(self.last.tokens_per_second),
            ..line.clone()
        };
        let text = self.text(line.step, line.seconds);
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None if evaluated => self.say(&format!("step {}/{}  {text}", line.step, self.steps)),
            None => {}
        }
    }

    /// A line for people.
    pub fn say(&self, line: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.println(line),
            // If nobody listens, there is nobody to tell.
            None => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }

    /// Takes the live lines away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn text(&self, step: u64, seconds: f64) -> String {
        let mut out = Vec::new();
        if let Some(x) = self.last.train_bpb {
            out.push(format!("train {x:.4} bpb"));
        }
        if let Some(&now) = self.validation.last() {
            let best = self.validation.iter().copied().fold(now, f64::min);
            out.push(format!("validation {now:.4} bpb = {:.3}x (best {best:.4})", 8.0 / now));
            let beaten: Vec<Baseline> =
                self.baselines.iter().filter(|b| 8.0 / best > b.ratio).cloned().collect();
            if !self.baselines.is_empty() {
                out.push(format!("beats {} of {}", beaten.len(), self.baselines.len()));
            }
            out.push(sparkline(&self.validation));
        }
        if let Some(x) = self.last.tokens_per_second {
            out.push(format!("{:.1} k tokens/s", x / 1e3));
        }
        let (done, left) = (step.saturating_sub(self.first), self.steps.saturating_sub(step));
        if done > 0 && left > 0 {
            let eta = Duration::from_secs_f64(seconds / done as f64 * left as f64);
            out.push(format!("ETA {}", HumanDuration(eta)));
        }
        out.join("  ")
    }
}

fn names(baselines: &[Baseline]) -> String {
    let all: Vec<String> =
        baselines.iter().map(|b| format!("{} {:.3}x", b.name, b.ratio)).collect();
    all.join(" | ")
}

/// The last values as marks between their least and largest.
fn sparkline(values: &[f64]) -> String {
    let shown = &values[values.len().saturating_sub(TREND)..];
    let low = shown.iter().copied().fold(f64::INFINITY, f64::min);
    let high = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let top = (MARKS.len() - 1) as f64;
    shown
        .iter()
        .map(|v| {
            let share = if high > low { (v - low) / (high - low) } else { 0.0 };
            char::from(MARKS[(share * top).round().clamp(0.0, top) as usize])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trend_is_ascii_and_falls_with_the_values() {
        assert_eq!(sparkline(&[9.0, 5.0, 1.0]), "#~_");
        assert_eq!(sparkline(&[2.0, 2.0]), "__");
        assert_eq!(sparkline(&[f64::NAN]), "_");
        assert_eq!(sparkline(&vec![1.0; 100]).len(), TREND);
    }

    #[test]
    fn the_text_tells_where_the_run_stands() {
        let mut board = Scoreboard::new(100, 0, true);
        board.compare_with(vec![
            Baseline { name: "gzip -9".into(), ratio: 1.8 },
            Baseline { name: "vxc -5".into(), ratio: 2.9 },
        ]);
        let line = Line { step: 50, validation_bpb: Some(3.2), seconds: 60.0, ..Line::default() };
        board.show(&line);
        let text = board.text(50, 60.0);
        assert!(text.contains("3.2000 bpb = 2.500x"), "{text}");
        assert!(text.contains("beats 1 of 2") && text.contains("ETA 60 seconds"), "{text}");
    }
}
