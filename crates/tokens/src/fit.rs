//! Fitting a tokeniser to a sample of records: transforms, relations, COPY, bins, partner fields.
//!
//! The sample is taken in runs of consecutive records (deltas and COPY need the record before), spread over
//! the data. Every decision compares integer estimates of coded size, in field order, so the result is the
//! same on every machine and for every number of threads.

mod partners;
mod sample;

use crate::bins::Bins;
use crate::columns::Block;
use crate::error::TokenError;
use crate::fit_bins::{BinPrice, fit_bins, quick_cost};
use crate::layout::{Kind, RecordLayout};
use crate::log2::{BIT, entropy};
use crate::ordered::mask;
use crate::relation::{Predictor, SearchOptions, find_relations};
use crate::step::{Step, exponent};
use crate::tokeniser::Tokeniser;
use crate::transform::Transform;

use sample::Sample;

/// What the fit may do and what it aims at.
#[derive(Clone, Debug)]
pub struct FitOptions {
    /// Number of records that will be coded with the tokeniser.
    pub records: u64,
    /// Whether relations between fields are searched for.
    pub relations: bool,
    /// Whether a field may have a symbol for "as in the record before".
    pub copy: bool,
    /// Price of a bin in bits.
    pub bin_bits: u64,
    /// Most bins of a field.
    pub max_bins: usize,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self { records: 1 << 20, relations: true, copy: true, bin_bits: 20, max_bins: 254 }
    }
}

/// Fits a tokeniser to whole records of `layout` in `bytes`.
///
/// # Errors
/// [`TokenError::Layout`] if there is not one whole record.
pub fn fit(
    layout: &RecordLayout,
    bytes: &[u8],
    options: &FitOptions,
) -> Result<Tokeniser, TokenError> {
    let sample = Sample::take(layout, bytes);
    if sample.rows() == 0 {
        return Err(TokenError::Layout("no whole record to fit to".into()));
    }
    let kinds: Vec<Kind> = layout.fields.iter().map(|f| f.kind).collect();
    let n = kinds.len();
    let (mut relations, order) = if options.relations && n > 1 && sample.rows() >= 16 {
        let found = find_relations(
            &kinds,
            &sample.search_columns(),
            &SearchOptions { records_total: options.records, ..SearchOptions::default() },
        );
        (found.predictors, found.order)
    } else {
        (vec![None; n], (0..n as u16).collect())
    };
    let mut steps = Vec::with_capacity(n);
    for &f in &order {
        let relation = relations[usize::from(f)].take();
        steps.push(fit_field(f, kinds[usize::from(f)], relation, &kinds, &sample, options));
    }
    partners::choose(&mut steps, &kinds, &sample);
    Tokeniser::new(layout.clone(), steps)
}

/// The better of the transforms for one field, with its COPY flag and bins.
fn fit_field(
    field: u16,
    kind: Kind,
    relation: Option<Predictor>,
    kinds: &[Kind],
    sample: &Sample,
    options: &FitOptions,
) -> Step {
    let f = usize::from(field);
    let column = &sample.columns[f];
    let previous = &sample.previous[f];
    let rows = column.len() as u64;
    let price =
        BinPrice { bin_bits: options.bin_bits, total: options.records, max_bins: options.max_bins };
    let predicted = relation.as_ref().map(|p| {
        let columns: Vec<&[u64]> = sample.columns.iter().map(Vec::as_slice).collect();
        let mut out = vec![0; column.len()];
        p.predict_block(kinds, kind, &columns, &mut out);
        out
    });

    let mut candidates = vec![Transform::Identity, Transform::Delta];
    candidates.extend(quanta(kind, column).into_iter().map(Transform::Quantum));
    candidates.extend(relation.map(Transform::Relation));
    let mut best: Option<(u64, Step)> = None;
    for transform in candidates {
        let related = matches!(transform, Transform::Relation(_));
        let scales = if related && kind.is_float() {
            let reference = reference_exponent(kind, predicted.as_deref().unwrap_or(&[]));
            vec![None, Some(reference)]
        } else {
            vec![None]
        };
        for scale in scales {
            let probe = Step {
                field,
                kind,
                transform: transform.clone(),
                copy: false,
                scale,
                bins: probe_bins(kind),
                partners: Vec::new(),
            };
            let domain = domain(&probe, column, previous, predicted.as_deref());
            let mut cost = domain.cost(&price);
            // A delta must win clearly: mixing sees the record before anyway.
            if probe.transform == Transform::Delta {
                cost += cost / 50 + rows * BIT / 20;
            }
            let copied = copied_cost(&domain, column, previous, &price);
            let copy = options.copy && copied.is_some_and(|c| c < cost);
            let cost = if copy { copied.unwrap_or(cost) } else { cost };
            if best.as_ref().is_none_or(|(b, _)| cost < *b) {
                best = Some((cost, Step { copy, ..probe }));
            }
        }
    }
    let (_, mut step) = best.expect("identity is always a candidate");
    let domain = domain(&step, column, previous, predicted.as_deref());
    step.bins = domain.bins(&step, column, previous, &price);
    step
}

/// Bins that only serve to compute domain numbers at every shift.
fn probe_bins(kind: Kind) -> Bins {
    Bins::new(kind.bits(), &[(1 << (kind.bits() - 1), 1)]).expect("one value is a bin")
}

/// A field's numbers in the coding domain of a transform: scaled ones reduced to shift 0.
struct Domain {
    width: u32,
    values: Vec<u64>,
    /// Offset bits that the shifts add, summed over the sample.
    shift_bits: u64,
}

fn domain(step: &Step, column: &[u64], previous: &[u64], predicted: Option<&[u64]>) -> Domain {
    let width = step.kind.bits();
    let centre = 1u64 << (width - 1);
    let mut shift_bits = 0;
    let values = column
        .iter()
        .zip(previous)
        .enumerate()
        .map(|(r, (&raw, &last))| {
            let before = step.before(last, predicted.map_or(0, |p| p[r]));
            let d = step.to_domain(raw, before);
            shift_bits += u64::from(before.shift);
            (((d.wrapping_sub(centre) as i64) >> before.shift) as u64).wrapping_add(centre)
                & mask(width)
        })
        .collect();
    Domain { width, values, shift_bits }
}

impl Domain {
    fn cost(&self, price: &BinPrice) -> u64 {
        let mut sorted = self.values.clone();
        sorted.sort_unstable();
        quick_cost(&sorted, price) + self.shift_bits * BIT
    }

    /// Fitted bins for what COPY leaves over.
    fn bins(&self, step: &Step, column: &[u64], previous: &[u64], price: &BinPrice) -> Bins {
        let mut sorted: Vec<u64> = if step.copy {
            self.not_copied(column, previous).collect()
        } else {
            self.values.clone()
        };
        sorted.sort_unstable();
        fit_bins(self.width, &sorted, &price.part(sorted.len(), column.len()))
    }

    fn not_copied<'a>(
        &'a self,
        column: &'a [u64],
        previous: &'a [u64],
    ) -> impl Iterator<Item = u64> + 'a {
        self.values
            .iter()
            .zip(column.iter().zip(previous))
            .filter(|(_, (a, b))| a != b)
            .map(|(&v, _)| v)
    }
}

/// Cost with COPY, or none where COPY saves no offset bits: values with bins of one are told apart from
/// their context just as well.
fn copied_cost(domain: &Domain, column: &[u64], previous: &[u64], price: &BinPrice) -> Option<u64> {
    let rows = column.len() as u64;
    let copies = column.iter().zip(previous).filter(|(a, b)| a == b).count() as u64;
    if copies * 50 < rows || copies == rows {
        return None;
    }
    let mut rest: Vec<u64> = domain.not_copied(column, previous).collect();
    rest.sort_unstable();
    let distinct = rest.chunk_by(|a, b| a == b).count() as u64;
    if distinct <= 64 || distinct * 8 < rest.len() as u64 {
        return None;
    }
    let shifts = domain.shift_bits * rest.len() as u64 / rows;
    Some(
        entropy([copies, rows - copies], rows)
            + quick_cost(&rest, &price.part(rest.len(), column.len()))
            + shifts * BIT,
    )
}

/// The exponent that nearly no prediction exceeds.
fn reference_exponent(kind: Kind, predicted: &[u64]) -> u16 {
    let mut all: Vec<u32> = predicted.iter().map(|&p| exponent(kind, p)).collect();
    all.sort_unstable();
    all.get(all.len() * 99 / 100).or(all.last()).map_or(0, |&e| e as u16)
}

/// Quanta worth a try: powers of two that divide nearly all magnitudes, for floats the mantissa's low
/// bits, and for unsigned integers the common divisor.
fn quanta(kind: Kind, column: &[u64]) -> Vec<u64> {
    let width = kind.bits();
    let magnitude = |raw: u64| if kind.is_float() { raw & mask(width - 1) } else { raw };
    let mut zeros = [0u64; 65];
    let mut used = 0u64;
    for &raw in column {
        let m = magnitude(raw);
        if m != 0 {
            zeros[m.trailing_zeros() as usize] += 1;
            used += 1;
        }
    }
    let mut out = Vec::new();
    let limit = if kind.is_float() { mantissa_bits(kind) } else { width - 2 };
    let mut at_least = used;
    let mut last = 0;
    for (k, &ending) in zeros.iter().enumerate().take(limit as usize + 1) {
        // at_least = values with k or more trailing zeros
        if k >= 2 && at_least * 20 >= used * 19 {
            last = k;
        }
        at_least -= ending;
    }
    if used > 0 && last >= 2 {
        out.push(1u64 << last);
    }
    if !kind.is_float() && !kind.is_signed_int() && used > 0 {
        let g = column.iter().fold(0u64, |g, &v| gcd(g, v));
        if g >= 3 && !g.is_power_of_two() && g <= mask(width - 1) {
            out.push(g);
        }
    }
    out
}

fn mantissa_bits(kind: Kind) -> u32 {
    match kind {
        Kind::F16 => 10,
        Kind::Bf16 => 7,
        Kind::F32 => 23,
        _ => 52,
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Bits per record that each step of a tokeniser takes on whole records of `bytes`, as order-0 symbols plus
/// offsets: `(symbol bits, offset bits)` in coding order. For reports only.
pub fn static_cost(tokeniser: &Tokeniser, bytes: &[u8]) -> Vec<(f64, f64)> {
    let mut block = Block::default();
    tokeniser.load(bytes, &mut block);
    let previous = vec![0; tokeniser.kinds().len()];
    let rows = block.records.max(1) as f64;
    (0..tokeniser.steps().len())
        .map(|k| {
            tokeniser.predict(k, &mut block);
            tokeniser.tokens(k, &previous, &mut block);
            let t = &block.tokens[k];
            let mut counts = [0u64; 256];
            for &s in &t.symbols {
                counts[usize::from(s)] += 1;
            }
            let symbols = entropy(counts, t.symbols.len() as u64) as f64 / BIT as f64;
            let offsets: f64 = block.sizes.iter().map(|&s| (s.max(1) as f64).log2()).sum();
            (symbols / rows, offsets / rows)
        })
        .collect()
}
