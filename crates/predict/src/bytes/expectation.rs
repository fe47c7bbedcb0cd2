//! What a rule expects the token under way to be, and how well that goes so far.

use super::decimal::Short;

/// Which rule made a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rule {
    /// What is left of the vertex's momentum.
    Balance = 0,
    /// E from the momentum and the mass last seen for this particle id.
    MassShell,
    /// m from E and the momentum.
    Mass,
    /// The mass last seen for this particle id.
    SameMass,
    /// A vertex position along the flight of the particle that ends there.
    Flight,
    /// The next integer of a sequence.
    Count,
    /// The same as the last one.
    Same,
}

/// Number of rules.
pub const RULES: u32 = 8;

/// The text that a rule expects for the token under way.
#[derive(Clone, Copy, Debug)]
pub struct Expectation {
    text: Short,
    /// Which rule.
    pub rule: Rule,
    /// Decimal digits lost by cancellation.
    drop: u32,
    /// How well the rule did in this line: 0 unknown, 1 badly, 2 well.
    trust: u32,
    /// First difference between the true and the expected byte, 0 while they agree.
    difference: i32,
    /// Bytes since then.
    pub since: u32,
}

/// Number of feelings for a guess: see [`Expectation::feeling`].
pub const FEELINGS: usize = RULES as usize * 32 * 4;

impl Expectation {
    /// A guess of a rule, if it has a text.
    pub fn new(text: Option<Short>, rule: Rule, drop: u32, trust: u32) -> Option<Self> {
        Some(Self { text: text?, rule, drop, trust, difference: 0, since: 0 })
    }

    /// The expected byte at `inside` the token; a blank at its end.
    #[inline(always)]
    pub fn at(&self, inside: usize) -> u8 {
        self.text.text().get(inside).copied().unwrap_or(b' ')
    }

    /// Whether the token agreed so far.
    #[inline(always)]
    pub fn agrees(&self) -> bool {
        self.difference == 0
    }

    /// What confidence depends on.
    #[inline(always)]
    pub fn feeling(&self, inside: usize) -> u32 {
        let depth = (inside as u32 + self.drop).min(31);
        (self.rule as u32 * 32 + depth) * 4 + self.trust
    }

    /// A context: the digit expected, how far inside, and how the token left the expectation.
    #[inline(always)]
    pub fn context(&self, inside: usize) -> u32 {
        let depth = (inside as u32 + self.drop).min(31);
        let (near, next) = (u32::from(self.at(inside)), u32::from(self.at(inside + 1)));
        let shape = (self.difference.clamp(-3, 3) + 3) as u32;
        let mut c = near | shape << 8 | self.since.min(3) << 11 | (self.rule as u32) << 13;
        if self.since <= 1 {
            c |= u32::from(next > u32::from(b'4')) << 16;
        }
        c | depth << 17 | self.trust << 22
    }

    /// The byte at `inside` the token was `byte`.
    pub fn push(&mut self, inside: usize, byte: u8) {
        if self.difference != 0 {
            self.since += 1;
        } else {
            self.difference = i32::from(byte) - i32::from(self.at(inside));
        }
    }
}
