//! Guesses of numbers that a line's other numbers imply: event records in the HepMC text formats.
//!
//! A particle line holds px, py, pz, E and m, with E² = p² + m²; masses repeat by particle id; momentum is
//! conserved at vertices, so the last particle out of a vertex has the momentum that is left; vertices
//! are displaced along the momentum of the particle that decays. Each such rule gives the text that it
//! expects for the next token. Nothing depends on the guesses being right: they are inputs to the mixer, and
//! their confidence is learned by rule and digit.
//!
//! Exactness: numbers are read by `str::parse::<f64>` and written by `{:e}`, both correctly rounded by
//! definition, and between them only IEEE +, −, ×, ÷ and √ in the order written.

use std::collections::HashMap;
use std::fmt::Write;

/// Longest token that is read as a number or guessed.
const TOKEN_MAX: usize = 40;
/// Most particles or vertices remembered of one event.
const EVENT_MAX: usize = 1 << 18;

/// A text of at most [`TOKEN_MAX`] bytes.
#[derive(Clone, Copy, Debug)]
pub struct Short {
    bytes: [u8; TOKEN_MAX],
    len: usize,
}

impl Short {
    const EMPTY: Short = Short { bytes: [0; TOKEN_MAX], len: 0 };

    /// The bytes.
    #[inline(always)]
    pub fn text(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for Short {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let end = self.len + s.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// C's `%.*e`: an exponent of at least two digits, with its sign.
fn format_real(x: f64, digits: usize) -> Option<Short> {
    if !x.is_finite() || digits > 20 {
        return None;
    }
    let mut plain = Short::EMPTY;
    write!(plain, "{x:.digits$e}").ok()?;
    let at = plain.text().iter().position(|&b| b == b'e')?;
    let (mantissa, exponent) = plain.text().split_at(at);
    let exponent: i32 = std::str::from_utf8(&exponent[1..]).ok()?.parse().ok()?;
    let mut out = Short::EMPTY;
    out.write_str(std::str::from_utf8(mantissa).ok()?).ok()?;
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(out, "e{sign}{:02}", exponent.unsigned_abs()).ok()?;
    Some(out)
}

fn format_integer(x: i64) -> Option<Short> {
    let mut out = Short::EMPTY;
    write!(out, "{x}").ok()?;
    Some(out)
}

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
    since: u32,
}

/// Number of feelings for a guess: see [`Expectation::feeling`].
pub const FEELINGS: usize = RULES as usize * 32 * 4;

impl Expectation {
    fn new(text: Option<Short>, rule: Rule, drop: u32, trust: u32) -> Option<Self> {
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

    fn push(&mut self, inside: usize, byte: u8) {
        if self.difference != 0 {
            self.since += 1;
        } else {
            self.difference = i32::from(byte) - i32::from(self.at(inside));
        }
    }
}

type Four = [f64; 4];

/// What is remembered of the event and the line under way.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// Two guesses for the token under way, the surer one first.
    pub guesses: [Option<Expectation>; 2],
    digits: usize,
    line: u8,
    /// Field of px in particle lines: 4 in HepMC3, 3 in HepMC2.
    first_real: u32,
    id: i64,
    parent: i64,
    pdg: i64,
    values: [f64; 5],
    known: u32,
    trust: u32,
    /// Mass and its text by particle id.
    masses: HashMap<i64, (f64, Short)>,
    particles: HashMap<i64, Particle>,
    /// Momentum left at a vertex: by vertex id (negative) or the id of its only incoming particle.
    balance: HashMap<i64, Four>,
    positions: HashMap<i64, Four>,
    vertex: i64,
    vertices: i64,
    orphans: i64,
    incoming: Four,
    incoming_one: Option<Particle>,
    incoming_count: u32,
    positions_from: u32,
    position: Four,
    after_vertex: bool,
    last_id: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Particle {
    momentum: Four,
    origin: Four,
}

/// log10(2) in units of 2^-16.
const LOG10_2: i64 = 19_728;

/// Decimal digits by which `x` is smaller than `scale`.
fn digits_below(x: f64, scale: f64) -> u32 {
    let e = |x: f64| ((x.to_bits() >> 52) & 0x7ff) as i64;
    (((e(scale) - e(x)).max(0) * LOG10_2) >> 16).min(31) as u32
}

impl Numbers {
    /// Nothing known.
    pub fn new() -> Self {
        Self { digits: 16, first_real: 4, ..Self::default() }
    }

    /// The byte at `inside` the token under way was `byte`.
    pub fn push(&mut self, inside: usize, byte: u8) {
        for guess in self.guesses.iter_mut().flatten() {
            guess.push(inside, byte);
        }
    }

    /// A new text starts; masses stay known.
    pub fn restart(&mut self) {
        let masses = std::mem::take(&mut self.masses);
        *self = Self { masses, ..Self::new() };
    }

    /// A line starts.
    pub fn line_start(&mut self) {
        self.line = 0;
        self.guesses = [None; 2];
        self.known = 0;
        self.trust = 0;
    }

    /// A token ended: it is field `field` of a line that starts with `line`; guesses the next one.
    /// `end` says that the line ended with it.
    pub fn token(&mut self, line: u8, field: u32, token: &[u8], end: bool) {
        let well = self.guesses[0].is_some_and(|g| g.agrees() || g.since + 8 < token.len() as u32);
        self.line = line;
        let text = if token.len() <= TOKEN_MAX { std::str::from_utf8(token).ok() } else { None };
        let trimmed = text.map(|t| t.trim_matches(['[', ']']));
        let integer: Option<i64> = trimmed.and_then(|t| t.parse().ok());
        let real: Option<f64> =
            if token.contains(&b'.') { text.and_then(|t| t.parse().ok()) } else { None };
        if let Some(at) = token.iter().position(|&b| b == b'.')
            && let Some(e) = token.iter().position(|&b| b == b'e')
        {
            self.digits = e.saturating_sub(at + 1);
        }
        self.guesses = [None; 2];
        match line {
            b'P' => self.particle(field, token, integer, real, well, end),
            b'V' => self.vertex_line(field, token, integer, real, well, end),
            b'E' if field == 0 => {
                self.particles.clear();
                self.balance.clear();
                self.positions.clear();
                self.vertices = 0;
                self.last_id = 0;
                self.parent = 0;
            }
            _ => {}
        }
    }

    fn real_guess(&self, x: f64, rule: Rule, drop: u32) -> Option<Expectation> {
        Expectation::new(format_real(x, self.digits), rule, drop, self.trust)
    }

    fn particle(
        &mut self,
        field: u32,
        token: &[u8],
        integer: Option<i64>,
        real: Option<f64>,
        well: bool,
        end: bool,
    ) {
        match field {
            0 => {
                let next = self.last_id.wrapping_add(1);
                self.guesses[0] = Expectation::new(format_integer(next), Rule::Count, 0, 0);
            }
            1 => {
                self.id = integer.unwrap_or(0);
                self.last_id = self.id;
                if self.first_real == 4 {
                    let same = if self.after_vertex { self.vertex } else { self.parent };
                    let trust = u32::from(self.after_vertex);
                    self.guesses[0] = Expectation::new(format_integer(same), Rule::Same, 0, trust);
                    let next = if self.parent > 0 { self.parent.wrapping_add(1) } else { 0 };
                    self.guesses[1] = Expectation::new(format_integer(next), Rule::Count, 1, 0);
                }
            }
            2 if self.first_real == 4 => self.parent = integer.unwrap_or(0),
            _ => {}
        }
        if field + 1 == self.first_real {
            self.pdg = integer.unwrap_or(0);
            if self.first_real == 3 {
                self.parent = self.vertex;
            }
            self.values = [0.0; 5];
            self.known = 0;
            self.trust = 0;
            if self.parent > 0
                && !self.balance.contains_key(&self.parent)
                && let Some(p) = self.particles.get(&self.parent)
            {
                let start = p.momentum;
                if self.balance.len() < EVENT_MAX {
                    self.balance.insert(self.parent, start);
                }
                self.vertices = self.vertices.wrapping_add(1);
            }
        }
        if let Some(x) = real {
            if field < self.first_real || field > self.first_real + 4 {
                if self.known == 0 && field > 1 && field < 5 {
                    self.first_real = field;
                } else {
                    return;
                }
            }
            let i = (field - self.first_real) as usize;
            self.values[i] = x;
            self.known = i as u32 + 1;
            if i < 4 {
                self.trust = if well { 2 } else { 1 };
            }
            if i == 4 {
                let mut short = Short::EMPTY;
                if token.len() <= TOKEN_MAX {
                    short.bytes[..token.len()].copy_from_slice(token);
                    short.len = token.len();
                    if self.masses.len() < EVENT_MAX {
                        self.masses.insert(self.pdg, (x, short));
                    }
                }
            }
        }
        if !end && field + 1 >= self.first_real && field < self.first_real + 4 {
            let next = (field + 1 - self.first_real) as usize;
            self.guess_momentum(next);
        }
        if self.known == 5
            && self.first_real == 3
            && field == 11
            && let Some(v) = integer.filter(|&v| v < 0)
        {
            self.enter(v, self.values_four());
        }
        if end && self.known == 5 {
            let p = self.values_four();
            let origin = self.origin(self.parent);
            if self.particles.len() < EVENT_MAX {
                self.particles.insert(self.id, Particle { momentum: p, origin });
            }
            if self.first_real == 3 && self.orphans > 0 {
                self.orphans -= 1;
                self.enter(self.vertex, p);
            } else if let Some(left) = self.balance.get_mut(&self.parent) {
                for (left, p) in left.iter_mut().zip(p) {
                    *left -= p;
                }
            }
            self.after_vertex = false;
        }
    }

    fn values_four(&self) -> Four {
        let v = &self.values;
        [v[0], v[1], v[2], v[3]]
    }

    /// A particle goes into a vertex.
    fn enter(&mut self, vertex: i64, p: Four) {
        if self.balance.len() >= EVENT_MAX {
            return;
        }
        let sum = self.balance.entry(vertex).or_insert([0.0; 4]);
        for (sum, p) in sum.iter_mut().zip(p) {
            *sum += p;
        }
    }

    fn origin(&self, vertex: i64) -> Four {
        self.positions.get(&vertex).copied().unwrap_or([0.0; 4])
    }

    fn guess_momentum(&mut self, next: usize) {
        let [px, py, pz, e, _] = self.values;
        let left = self.balance.get(&self.parent).copied();
        let start = self.particles.get(&self.parent).map(|p| p.momentum);
        let scale = start.map_or(0.0, |s| s[next.min(3)]);
        match next {
            0..=2 => {
                if let Some(left) = left {
                    let drop = digits_below(left[next], scale);
                    self.guesses[0] = self.real_guess(left[next], Rule::Balance, drop);
                }
            }
            3 => {
                let p2 = px * px + py * py + pz * pz;
                if let Some(&(m, _)) = self.masses.get(&self.pdg) {
                    self.guesses[0] = self.real_guess((p2 + m * m).sqrt(), Rule::MassShell, 0);
                }
                if let Some(left) = left {
                    let drop = digits_below(left[3], scale);
                    let guess = self.real_guess(left[3], Rule::Balance, drop);
                    let slot = usize::from(self.guesses[0].is_some());
                    self.guesses[slot] = guess;
                }
            }
            _ => {
                let mass = self.masses.get(&self.pdg).map(|m| m.1);
                self.guesses[0] = Expectation::new(mass, Rule::SameMass, 0, self.trust);
                let m2 = e * e - (px * px + py * py + pz * pz);
                let m = if m2 < 0.0 { -(-m2).sqrt() } else { m2.sqrt() };
                let drop = 2 * digits_below(m, e);
                self.guesses[1] = self.real_guess(m, Rule::Mass, drop);
            }
        }
    }

    fn vertex_line(
        &mut self,
        field: u32,
        token: &[u8],
        integer: Option<i64>,
        real: Option<f64>,
        well: bool,
        end: bool,
    ) {
        match field {
            0 => {
                let next = if self.first_real == 3 {
                    self.vertex.wrapping_sub(1)
                } else {
                    self.vertices.wrapping_add(1).wrapping_neg()
                };
                self.guesses[0] = Expectation::new(format_integer(next), Rule::Count, 2, 0);
                self.incoming = [0.0; 4];
                self.incoming_one = None;
                self.incoming_count = 0;
                self.positions_from = u32::MAX;
                self.position = [0.0; 4];
            }
            1 => {
                self.vertex = integer.unwrap_or(0);
                self.vertices = self.vertex.wrapping_neg();
                self.orphans = 0;
                if self.first_real == 3 {
                    self.positions_from = 3;
                }
            }
            7 if self.first_real == 3 => self.orphans = integer.unwrap_or(0).min(100),
            _ => {}
        }
        if self.first_real != 3 && field >= 3 && self.positions_from == u32::MAX {
            if token == b"@" {
                self.positions_from = field + 1;
            } else if let Some(id) = integer {
                if let Some(&p) = self.particles.get(&id) {
                    for (sum, p) in self.incoming.iter_mut().zip(p.momentum) {
                        *sum += p;
                    }
                    self.incoming_one = Some(p);
                    self.incoming_count += 1;
                }
                self.guesses[0] =
                    Expectation::new(format_integer(id.wrapping_add(1)), Rule::Count, 3, 0);
            }
        }
        if let Some(x) = real
            && field >= self.positions_from
            && field < self.positions_from + 4
        {
            let i = (field - self.positions_from) as usize;
            self.position[i] = x;
            self.trust = if i > 0 && well { 2 } else { u32::from(i > 0) };
        }
        // The next coordinate from the first one and the flight.
        if field >= self.positions_from && field < self.positions_from + 3 {
            let next = (field + 1 - self.positions_from) as usize;
            if let Some(p) = self.incoming_one.filter(|_| self.incoming_count == 1) {
                let way = self.position[0] - p.origin[0];
                let x = p.origin[next] + way * p.momentum[next] / p.momentum[0];
                let drop = digits_below(way, p.origin[0]);
                self.guesses[0] = self.real_guess(x, Rule::Flight, drop);
            }
        }
        if end {
            if self.balance.len() < EVENT_MAX && self.positions.len() < EVENT_MAX {
                if self.first_real != 3 {
                    self.balance.insert(self.vertex, self.incoming);
                }
                self.positions.insert(self.vertex, self.position);
            }
            self.after_vertex = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reals_are_written_as_c_does() {
        let text = |x: f64| String::from_utf8(format_real(x, 16).unwrap().text().to_vec()).unwrap();
        assert_eq!(text(247.499_644_040_163_4), "2.4749964404016339e+02");
        assert_eq!(text(0.0), "0.0000000000000000e+00");
        assert_eq!(text(-9.947_598_300_641_403e-14), "-9.9475983006414026e-14");
        assert_eq!(text(1.5e-300), "1.5000000000000001e-300");
        assert!(format_real(f64::NAN, 16).is_none());
    }
}
