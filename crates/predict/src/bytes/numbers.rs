//! Guesses of numbers that a line's other numbers imply: event records in the HepMC text formats.
//!
//! A particle line holds px, py, pz, E and m, with E² = p² + m²; masses repeat by particle id; momentum is
//! conserved at vertices, so the last particle out of a vertex has the momentum that is left; vertices
//! are displaced along the momentum of the particle that decays. Each such rule gives the text that it
//! expects for the next token. Nothing depends on the guesses being right: they are inputs to the mixer, and
//! their confidence is learned by rule and digit.
//!
//! Exactness: numbers are read and written as [`super::decimal`] defines, and between that there are only IEEE +, −,
//! ×, ÷ and √ in the order written. The maps are looked up by key and never iterated, so their order is of no
//! account.

use std::collections::HashMap;

use super::decimal::{
    Short, TOKEN_MAX, fraction_digits, read_integer, read_real, write_integer, write_real,
};
use super::expectation::{Expectation, Rule};

/// Most particles or vertices remembered of one event.
const EVENT_MAX: usize = 1 << 16;
/// Most particle ids whose mass is remembered.
const MASSES_MAX: usize = 1 << 12;
/// Fewest bytes of text behind an entry of a map: a line such as `V 1`.
const ENTRY_BYTES: u64 = 4;

type Four = [f64; 4];

fn add(sum: &mut Four, p: Four) {
    for (sum, p) in sum.iter_mut().zip(p) {
        *sum += p;
    }
}

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

/// A token that ended.
struct Token<'a> {
    /// Its field in the line.
    field: u32,
    text: &'a [u8],
    integer: Option<i64>,
    real: Option<f64>,
    /// Whether it was guessed, or nearly so.
    well: bool,
    /// Whether the line ended with it.
    end: bool,
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

/// Most bytes of a map of `entries` entries: at most 7/8 full, and beside its smaller self while it grows.
fn map_bytes<V>(entries: u64) -> u64 {
    let buckets = (entries * 8 / 7 + 1).next_power_of_two();
    buckets * (size_of::<(i64, V)>() as u64 + 1) * 3 / 2
}

impl Numbers {
    /// Nothing known.
    pub fn new() -> Self {
        Self { digits: 16, first_real: 4, ..Self::default() }
    }

    /// Most bytes that the maps of an event hold in a text of `len` bytes.
    pub fn event_bytes(len: u64) -> u64 {
        let entries = (len / ENTRY_BYTES + 1).min(EVENT_MAX as u64);
        map_bytes::<Particle>(entries) + 2 * map_bytes::<Four>(entries)
    }

    /// Most bytes that outlive a restart: the masses.
    pub fn kept_bytes() -> u64 {
        map_bytes::<(f64, Short)>(MASSES_MAX as u64)
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
        let number = if token.len() <= TOKEN_MAX { token } else { b"" };
        let token = Token {
            field,
            text: token,
            integer: read_integer(number),
            real: read_real(number),
            well,
            end,
        };
        self.digits = fraction_digits(token.text).unwrap_or(self.digits);
        self.guesses = [None; 2];
        match line {
            b'P' => self.particle(&token),
            b'V' => self.vertex_line(&token),
            b'E' if field == 0 => {
                // New maps: clearing a large one costs its size at every event that follows.
                self.particles = HashMap::new();
                self.balance = HashMap::new();
                self.positions = HashMap::new();
                self.vertices = 0;
                self.last_id = 0;
                self.parent = 0;
            }
            _ => {}
        }
    }

    fn real_guess(&self, x: f64, rule: Rule, drop: u32) -> Option<Expectation> {
        Expectation::new(write_real(x, self.digits), rule, drop, self.trust)
    }

    /// `form` tells guesses of one rule apart, in the place of lost digits.
    fn integer_guess(x: i64, rule: Rule, form: u32, trust: u32) -> Option<Expectation> {
        Expectation::new(write_integer(x), rule, form, trust)
    }

    fn particle(&mut self, token: &Token<'_>) {
        let &Token { field, text, integer, real, well, end } = token;
        match field {
            0 => {
                let next = self.last_id.wrapping_add(1);
                self.guesses[0] = Self::integer_guess(next, Rule::Count, 0, 0);
            }
            1 => {
                self.id = integer.unwrap_or(0);
                self.last_id = self.id;
                if self.first_real == 4 {
                    let same = if self.after_vertex { self.vertex } else { self.parent };
                    let trust = u32::from(self.after_vertex);
                    self.guesses[0] = Self::integer_guess(same, Rule::Same, 0, trust);
                    let next = if self.parent > 0 { self.parent.wrapping_add(1) } else { 0 };
                    self.guesses[1] = Self::integer_guess(next, Rule::Count, 1, 0);
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
            if i == 4
                && self.masses.len() < MASSES_MAX
                && let Some(text) = Short::new(text)
            {
                self.masses.insert(self.pdg, (x, text));
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
                add(left, p.map(|x| -x));
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
        add(self.balance.entry(vertex).or_insert([0.0; 4]), p);
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

    fn vertex_line(&mut self, token: &Token<'_>) {
        let &Token { field, text, integer, real, well, end } = token;
        match field {
            0 => {
                let next = if self.first_real == 3 {
                    self.vertex.wrapping_sub(1)
                } else {
                    self.vertices.wrapping_add(1).wrapping_neg()
                };
                self.guesses[0] = Self::integer_guess(next, Rule::Count, 2, 0);
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
            if text == b"@" {
                self.positions_from = field + 1;
            } else if let Some(id) = integer {
                if let Some(&p) = self.particles.get(&id) {
                    add(&mut self.incoming, p.momentum);
                    self.incoming_one = Some(p);
                    self.incoming_count += 1;
                }
                self.guesses[0] = Self::integer_guess(id.wrapping_add(1), Rule::Count, 3, 0);
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
