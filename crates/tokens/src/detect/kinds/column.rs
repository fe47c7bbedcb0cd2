//! What a column costs as each kind: frequent values by their frequency, the others by a code that suits the kind.
//!
//! Floats cost the entropy of sign and exponent plus raw mantissa bits, integers the entropy of sign and bit length plus
//! the bits below. A wrong kind or a wrong byte pays for noise in its exponent.

use crate::layout::{Endian, Kind};
use crate::log2::{BIT, log2};

/// Kinds tried, with a handicap in 1/64 bit: a tie goes to the common one.
const KINDS: [(Kind, u64); 10] = [
    (Kind::F32, 0),
    (Kind::I32, 2),
    (Kind::F64, 0),
    (Kind::I64, 4),
    (Kind::I16, 2),
    (Kind::F16, 4),
    (Kind::Bf16, 6),
    (Kind::U8, 0),
    (Kind::I8, 8),
    (Kind::U16, 3),
];

/// What a field costs beyond its bits, by width in bytes, in 1/64 bit per row.
const fn overhead(width: usize) -> u64 {
    match width {
        1 => 20,
        2 => 28,
        4 => 36,
        _ => 74,
    }
}

/// Buffers for one column after the other.
#[derive(Default)]
pub(super) struct Scratch {
    values: Vec<u64>,
    sorted: Vec<u64>,
    rest: Vec<u64>,
    steps: Vec<u64>,
    classes: Classes,
    /// Extra cost of half-precision floats, in 1/64 bit: rare in records of other things.
    half: u64,
}

impl Scratch {
    /// `half` is the extra cost of half-precision floats, in 1/64 bit.
    pub(super) fn new(half: u64) -> Self {
        Self { half, ..Self::default() }
    }
}

/// Cheapest kind and its cost per row for each width (1, 2, 4, 8) of the field that starts at `offset` of each row.
pub(super) fn at_offset(
    data: &[u8],
    rows: &[usize],
    offset: usize,
    endian: Endian,
    scratch: &mut Scratch,
) -> [(u64, Kind); 4] {
    let mut best = [(u64::MAX, Kind::U8); 4];
    for (i, width) in [1usize, 2, 4, 8].into_iter().enumerate() {
        scratch.values.clear();
        for &row in rows {
            let at = row + offset;
            // The last row may lack the bytes beyond it.
            if at + width <= data.len() {
                scratch.values.push(load(&data[at..at + width], endian));
            }
        }
        best[i] = cheapest(width, scratch);
    }
    best
}

fn load(bytes: &[u8], endian: Endian) -> u64 {
    let push = |v: u64, b: &u8| v << 8 | u64::from(*b);
    match endian {
        Endian::Little => bytes.iter().rev().fold(0, push),
        Endian::Big => bytes.iter().fold(0, push),
    }
}

/// The cheapest kind of a width for the loaded values, with its cost per row.
fn cheapest(width: usize, s: &mut Scratch) -> (u64, Kind) {
    let n = s.values.len() as u64;
    if n == 0 {
        return (u64::MAX, Kind::U8);
    }
    s.sorted.clear();
    s.sorted.extend_from_slice(&s.values);
    s.sorted.sort_unstable();
    // Frequent values by frequency; `rest` = the others.
    let threshold = (s.values.len() / 48).max(3);
    s.rest.clear();
    let mut shared = 0u64;
    let mut frequent = 0u64;
    for run in s.sorted.chunk_by(|a, b| a == b) {
        if run.len() >= threshold {
            let c = run.len() as u64;
            shared += c * (log2(n) - log2(c)) + (width as u64 * 4) * BIT;
            frequent += c;
        } else {
            s.rest.extend_from_slice(run);
        }
    }
    let rest = n - frequent;
    shared += rest * (log2(n) - log2(rest));
    let constant = frequent == n && shared <= width as u64 * 4 * BIT;
    let bits = width as u32 * 8;
    let steps = steps_cost(bits, &s.values, &mut s.steps, &mut s.classes);
    let mut best = (u64::MAX, Kind::U8);
    for (kind, handicap) in KINDS {
        if kind.bytes() != width {
            continue;
        }
        let mut cost = shared + rest_cost(kind, bits, &s.rest, &mut s.classes);
        // A counter or a smooth series costs what its steps cost.
        if width >= 2 {
            cost = cost.min(steps);
        }
        cost += odd_floats(kind, &s.sorted) + plausibility(kind, constant, s);
        let half = if kind.is_float() && width == 2 { s.half } else { 0 };
        let total = cost / n + (overhead(width) + handicap + half) * (BIT / 64);
        if total < best.0 {
            best = (total, kind);
        }
    }
    // Signed unless values use the top bit as magnitude.
    if matches!(best.1, Kind::U8) && s.sorted.iter().any(|&v| v >= 0xF0) {
        let negative = s.sorted.iter().filter(|&&v| v >= 0xC0).count();
        let middle = s.sorted.iter().filter(|&&v| (0x40..0xC0).contains(&v)).count();
        if negative > 0 && middle * 20 < s.sorted.len() && s.sorted.iter().any(|&v| v < 0x40) {
            best.1 = Kind::I8;
        }
    }
    best
}

/// Code length of values that are not frequent.
fn rest_cost(kind: Kind, bits: u32, rest: &[u64], classes: &mut Classes) -> u64 {
    if rest.is_empty() {
        return 0;
    }
    classes.clear();
    let mut raw = 0u64;
    if kind.is_float() {
        let (exponent, mantissa) = float_bits(kind);
        // Truncated mantissas end in zeros that nearly all have; multiples of a quantum (counts as floats) have the
        // fewer mantissa bits the smaller they are.
        let (mut tails, mut quanta) = ([0u32; 64], vec![0u32; 4096]);
        for &v in rest {
            let tail = (v | 1 << mantissa).trailing_zeros().min(mantissa);
            let e = (v >> mantissa) as usize & ((1 << exponent) - 1);
            tails[tail as usize] += 1;
            quanta[e + tail as usize] += 1;
        }
        let rare = (rest.len() / 16) as u32;
        let zeros = u64::from(most_exceed(&tails, rare).min(mantissa));
        // The exponent field of a number whose lowest mantissa bit is the quantum, plus the mantissa's width.
        let quantum = u64::from(most_exceed(&quanta, rare));
        let (mut by_tail, mut by_quantum) = (0, 0);
        for &v in rest {
            classes.add((v >> mantissa) as usize);
            let e = (v >> mantissa) & ((1 << exponent) - 1);
            by_tail += u64::from(mantissa) - zeros;
            by_quantum +=
                (e + u64::from(mantissa)).saturating_sub(quantum).min(u64::from(mantissa));
        }
        raw += by_tail.min(by_quantum) * BIT;
    } else if bits == 8 {
        for &v in rest {
            classes.add(v as usize);
        }
    } else {
        let signed = kind.is_signed_int();
        for &v in rest {
            let (class, below) = length_class(v, bits, signed);
            classes.add(class);
            raw += below * BIT;
        }
    }
    classes.cost() + raw
}

/// The largest index below which at most `rare` are counted.
fn most_exceed(counts: &[u32], rare: u32) -> u32 {
    let mut below = 0;
    for (i, &c) in counts.iter().enumerate() {
        below += c;
        if below > rare {
            return i as u32;
        }
    }
    0
}

/// Widths of exponent and mantissa.
const fn float_bits(kind: Kind) -> (u32, u32) {
    match kind {
        Kind::F16 => (5, 10),
        Kind::Bf16 => (8, 7),
        Kind::F32 => (8, 23),
        _ => (11, 52),
    }
}

/// Penalty for values that no measurement has: infinite, NaN, denormal, astronomic.
fn odd_floats(kind: Kind, values: &[u64]) -> u64 {
    if !kind.is_float() {
        return values.len() as u64 * (BIT - BIT / 4) * kind.bytes() as u64 / 4;
    }
    let (exponent, mantissa) = float_bits(kind);
    let top = (1u64 << exponent) - 1;
    let exponent_of = |v: u64| (v >> mantissa) & top;
    // Around what the column is used to: strain is 1e-21 throughout.
    let (count, sum) = values
        .iter()
        .map(|&v| exponent_of(v))
        .filter(|&e| e > 0 && e < top)
        .fold((0, 0), |(c, s), e| (c + 1, s + e));
    let usual = u64::checked_div(sum, count).unwrap_or(top / 2);
    // But small integers are not floats of 1e-36.
    let strange = usual.abs_diff(top / 2) * 3 > top;
    let odd = |&v: &u64| {
        let e = exponent_of(v);
        let far = e.abs_diff(usual);
        let magnitude = v & ((1 << (exponent + mantissa)) - 1);
        // Zero and the default NaN are common marks of absence.
        let quiet = (top << 1 | 1) << (mantissa - 1);
        match kind {
            _ if magnitude == 0 || magnitude == quiet => 0,
            _ if e == 0 || e == top => 6 * BIT,
            Kind::F16 => 0,
            _ if strange => 4 * BIT,
            _ if far > 64 => 4 * BIT,
            _ if far > 32 => BIT,
            _ => 0,
        }
    };
    let sum: u64 = values.iter().map(odd).sum();
    // What reads as sane numbers throughout is hardly anything else.
    if sum == 0 { 0 } else { sum + values.len() as u64 * (BIT - BIT / 4) }
}

/// Cost of a column by its differences from row to row: frequent ones by frequency, others by length.
fn steps_cost(bits: u32, values: &[u64], steps: &mut Vec<u64>, classes: &mut Classes) -> u64 {
    let all = u64::MAX >> (64 - bits);
    steps.clear();
    steps.extend(values.windows(2).map(|p| p[1].wrapping_sub(p[0]) & all));
    steps.sort_unstable();
    classes.clear();
    let (mut cost, mut rest) = (u64::from(bits) * BIT, 0u64);
    let n = steps.len() as u64;
    let threshold = (steps.len() / 48).max(3);
    for run in steps.chunk_by(|a, b| a == b) {
        let c = run.len() as u64;
        let (class, below) = length_class(run[0], bits, true);
        if run.len() >= threshold {
            cost += c * (log2(n) - log2(c)) + u64::from(bits / 2) * BIT;
        } else {
            for _ in 0..c {
                classes.add(class);
            }
            rest += c;
            cost += c * below * BIT;
        }
    }
    cost + classes.cost() + rest * (log2(n) - log2(rest))
}

/// Sign, bit length and the bit after the first of a number, and how many bits are below.
fn length_class(v: u64, bits: u32, signed: bool) -> (usize, u64) {
    let negative = signed && v >> (bits - 1) != 0;
    let m = if negative { !v & (u64::MAX >> (64 - bits)) } else { v };
    let length = 64 - m.leading_zeros();
    let next = if length >= 2 { (m >> (length - 2)) & 1 } else { 0 };
    let class = usize::from(negative) << 8 | (length as usize) << 1 | next as usize;
    (class, u64::from(length.saturating_sub(2)))
}

/// Penalties that the code lengths do not show, in units over all rows.
fn plausibility(kind: Kind, constant: bool, s: &Scratch) -> u64 {
    let n = s.values.len() as u64;
    let width = kind.bytes();
    if constant {
        // Nothing to see: floats of a sane exponent, else integers; never wide.
        let v = s.values[0];
        let odd = match kind {
            Kind::F32 => {
                let e = (v >> 23) & 255;
                u64::from(v != 0 && !(64..=190).contains(&e) && v & 0x7FFF_FFFF != 0x7FC0_0000)
            }
            Kind::I32 => u64::from(v != 0 && v >> 24 != 0 && v >> 24 != 255),
            Kind::U8 => 0,
            _ => 1,
        };
        return n * odd * BIT / 4;
    }
    if kind == Kind::F64 && s.values.iter().all(|&v| v >> 32 == s.values[0] >> 32) {
        // A high half that never changes is a field of its own.
        return n * 2 * BIT;
    }
    let still = s.values.iter().all(|&v| (v ^ s.values[0]) & 255 == 0);
    if still && (width == 2 || (width == 4 && !kind.is_float())) {
        // A low byte that never changes belongs to something else.
        return n * 3 * BIT;
    }
    if width == 8 && !kind.is_float() {
        // A 64-bit integer keeps a high half that never moves but by sign; else it is two fields.
        let high = s.values.iter().filter(|&&v| v >> 32 != s.values[0] >> 32).count() as u64;
        let plain = s.values[0] >> 32 == 0 || s.values[0] >> 32 == 0xFFFF_FFFF;
        let low_float = s.rest.iter().filter(|&&v| (v >> 23) & 255 > 64).count() * 2 > s.rest.len();
        return if high == 0 && plain && !low_float { 0 } else { n * BIT / 2 };
    }
    0
}

/// A histogram of up to 4 Ki classes and its adaptive code length.
struct Classes {
    counts: Vec<u32>,
    seen: Vec<u16>,
}

impl Default for Classes {
    fn default() -> Self {
        Self { counts: vec![0; 4096], seen: Vec::new() }
    }
}

impl Classes {
    fn clear(&mut self) {
        for &c in &self.seen {
            self.counts[usize::from(c)] = 0;
        }
        self.seen.clear();
    }

    fn add(&mut self, class: usize) {
        if self.counts[class] == 0 {
            self.seen.push(class as u16);
        }
        self.counts[class] += 1;
    }

    fn cost(&self) -> u64 {
        let counts = || self.seen.iter().map(|&c| u64::from(self.counts[usize::from(c)]));
        let total: u64 = counts().sum();
        let lt = log2(total);
        let entropy: u64 = counts().map(|c| c * (lt - log2(c).min(lt))).sum();
        // Each class must be learnt: half a logarithm, and its name.
        entropy + (self.seen.len() as u64).saturating_sub(1) * (lt / 2 + 2 * BIT)
    }
}
