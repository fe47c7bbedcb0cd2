//! What happens in an event, and the row of each of its jets.
//!
//! Every row draws the same random numbers whatever the variant, and values come in the order in which they
//! would be stored by an experiment: a value derived from others uses them as rounded.

use super::columns::{VALUES, at};
use super::rng::{Rng, splitmix};

/// A row's values, see [`VALUES`].
pub(super) type Row = [f64; VALUES.len()];

/// Labels and how often they occur, of 1024.
const LABELS: [(f64, u32); 4] = [(0.0, 630), (5.0, 230), (4.0, 130), (15.0, 34)];
/// Share of rows with a secondary vertex by label, of 1024.
const VERTEX: [u32; 4] = [64, 760, 400, 300];
/// Means of the two logits by label.
const LOGITS: [(f64, f64); 4] = [(-2.0, -1.0), (2.5, 0.2), (0.1, 1.0), (-1.5, 0.6)];
/// Events after which the slow drifts repeat.
const PERIOD: u64 = 1 << 19;
/// Events after which a sector leaves and another comes.
const SECTOR_EVENTS: u64 = 2048;
/// Events in a run.
const RUN_EVENTS: u64 = 40_000;

/// The state from which rows come.
#[derive(Clone, Debug)]
pub(super) struct Events {
    rng: Rng,
    /// Salt of the tables that a reader cannot know.
    salt: u64,
    /// Whether kinematics are stored as f64.
    double: bool,
    /// Share of rows, of 1024, whose derived columns are off.
    violations: u32,
    event: u64,
    left: u32,
    ticks: u64,
    row: Row,
}

impl Events {
    pub(super) const fn new(seed: u64, double: bool, violations: u32) -> Self {
        Self {
            rng: Rng::new(seed),
            salt: splitmix(!seed),
            double,
            violations,
            event: 0,
            left: 0,
            ticks: 1 << 30,
            row: [0.0; VALUES.len()],
        }
    }

    /// A value as its column will hold it.
    #[inline]
    fn stored(&self, x: f64) -> f64 {
        if self.double { x } else { f64::from(x as f32) }
    }

    /// The next row.
    #[inline]
    pub(super) fn next_row(&mut self) -> &Row {
        if self.left == 0 {
            self.next_event();
        } else {
            self.row[at::RANK] += 1.0;
            // Jets come in falling order of pt.
            let pt = self.row[at::PT] * (0.3 + 0.68 * self.rng.uniform());
            self.row[at::PT] = self.stored(pt);
        }
        self.left -= 1;
        self.kinematics();
        self.tagging();
        self.counters();
        self.violate();
        &self.row
    }

    fn next_event(&mut self) {
        self.event += 1 + u64::from(self.rng.below(8) == 0);
        self.left = 1 + self.rng.below(4) + self.rng.below(4);
        self.ticks += 1 + u64::from(self.rng.below(1000) * self.rng.below(3));
        // From 0 to 1 and back.
        let phase = self.event % PERIOD;
        let drift = phase.min(PERIOD - phase) as f64 / (PERIOD / 2) as f64;
        let pt = 20.0 + 30.0 * libm::exp(0.8 * self.rng.normal() + 0.2 * drift);
        let met = 25.0 * (self.rng.normal().abs() + self.rng.normal().abs());
        let (x, y, z) = (self.rng.normal(), self.rng.normal(), self.rng.normal());
        let pt = self.stored(pt);
        let row = &mut self.row;
        row[at::EVENT] = (4_000_000 + self.event) as f64;
        row[at::RUN] = (350_000 + self.event / RUN_EVENTS) as f64;
        row[at::TIME] = self.ticks as f64 * (1.0 / 1024.0);
        row[at::RANK] = 0.0;
        row[at::PT] = pt;
        row[at::MET] = truncated(met, 10);
        row[at::PV_X] = -0.5 + 0.02 * drift + 0.008 * x;
        row[at::PV_Y] = -0.4 - 0.01 * drift + 0.008 * y;
        row[at::PV_Z] = 35.0 * z;
    }

    /// Angles, mass and what follows from them.
    #[inline]
    fn kinematics(&mut self) {
        let eta = (1.2 * self.rng.normal()).clamp(-2.5, 2.5);
        let phi = (self.rng.uniform() * 2.0 - 1.0) * std::f64::consts::PI;
        let mass = 0.08 + 0.05 * self.rng.normal().abs();
        let raw = 0.95 + 0.01 * self.rng.normal();
        let pt = self.row[at::PT];
        let (eta, phi, mass) = (self.stored(eta), self.stored(phi), self.stored(pt * mass));
        let p = pt * libm::cosh(eta);
        let row = &mut self.row;
        row[at::ETA] = eta;
        row[at::PHI] = phi;
        row[at::MASS] = mass;
        row[at::ENERGY] = (mass * mass + p * p).sqrt();
        row[at::PX] = pt * libm::cos(phi);
        row[at::PY] = pt * libm::sin(phi);
        row[at::PZ] = pt * libm::sinh(eta);
        row[at::PT_RAW] = pt * (raw + 0.01 * eta * eta);
    }

    /// Label, probabilities, secondary vertex.
    #[inline]
    fn tagging(&mut self) {
        let mut rest = self.rng.below(1024);
        let mut label = 0;
        while rest >= LABELS[label].1 {
            rest -= LABELS[label].1;
            label += 1;
        }
        let (b, c) = LOGITS[label];
        let b = libm::exp(b + 1.2 * self.rng.normal());
        let c = libm::exp(c + 0.8 * self.rng.normal());
        let sum = 1.0 + b + c;
        let vertex = self.rng.below(1024) < VERTEX[label];
        let (m, l) = (self.rng.normal().abs(), self.rng.uniform());
        let score = b / sum * 0.9 + 0.1 * self.rng.uniform();
        let row = &mut self.row;
        row[at::LABEL] = LABELS[label].0;
        row[at::P_B] = b / sum;
        row[at::P_C] = c / sum;
        row[at::P_U] = 1.0 / sum;
        row[at::SV_MASS] = if vertex { 0.4 + 1.3 * m } else { f64::NAN };
        row[at::SV_LXY] = if vertex { 0.3 + 5.0 * l * l / (1.02 - l) } else { f64::NAN };
        row[at::SCORE] = truncated(score, 12);
        row[at::NOISE] = self.rng.uniform();
    }

    /// Counts, and the columns that depend on where and when the detector was hit: tables that a reader
    /// knows better the longer it reads.
    #[inline]
    fn counters(&mut self) {
        let width = self.row[at::PT].sqrt();
        let tracks = (2.0 * width * (1.0 + 0.25 * self.rng.normal())).clamp(0.0, 80.0) as i64;
        let neutral = (width * (1.0 + 0.5 * self.rng.normal().abs())) as i64;
        let charge = (self.rng.normal() * (tracks as f64).sqrt() * 0.7) as i64;
        let first = self.event / SECTOR_EVENTS;
        let sector = (first + u64::from(self.rng.below(128))) & 255;
        let known = splitmix(self.salt ^ (sector << 8 | tracks as u64));
        let odd = self.rng.bits();
        // One row in 16 has another trigger than its place says.
        let trigger = if odd.is_multiple_of(16) { odd >> 8 } else { known } & 255;
        let gain = splitmix(self.salt ^ sector << 32) >> 44;
        let row = &mut self.row;
        row[at::N_TRACKS] = tracks as f64;
        row[at::N_NEUTRAL] = neutral as f64;
        row[at::N_ALL] = (tracks + neutral) as f64;
        row[at::CHARGE] = charge as f64;
        row[at::SECTOR] = sector as f64;
        row[at::TRIGGER] = trigger as f64;
        row[at::GAIN] = 0.9 + gain as f64 * (0.2 / (1u64 << 20) as f64);
        row[at::QUALITY] = (odd >> 16 & 3) as f64 - 1.0;
    }

    /// Spoils the derived columns of some rows.
    #[inline]
    fn violate(&mut self) {
        let draw = self.rng.bits();
        if (draw >> 54) as u32 >= self.violations {
            return;
        }
        let by = 1.0 + 0.01 * (draw & 0xffff) as f64 / 65536.0;
        for i in [at::ENERGY, at::PX, at::PY, at::PZ, at::P_U] {
            self.row[i] *= by;
        }
        self.row[at::N_ALL] += 1.0;
    }
}

/// `x` as f32 with only the first `bits` bits of its mantissa.
#[inline]
fn truncated(x: f64, bits: u32) -> f64 {
    let mask = u32::MAX << (23 - bits);
    f64::from(f32::from_bits((x as f32).to_bits() & mask))
}
