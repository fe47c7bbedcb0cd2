//! The search for relations: which field is predicted from which others, and by what.
//!
//! 1. Candidates come from the registry's formulas: values computed on a few *seed rows* are looked up among
//!    the other fields' values ([`seek`] for one and two sources, [`meet`] for three and more by meeting in
//!    the middle, [`whole`] for wrapping integers, [`lookup`] for tables). Several seed rows are used, chosen
//!    where many fields are not trivial, so that a relation violated in some rows is still found.
//! 2. Survivors are checked on more rows, the best of each target are priced with [`super::cost`] on the
//!    validation half of the sample, which the search has not seen.
//! 3. Relations are taken by falling saving as long as they form no cycle ([`choose`]); fields that remain
//!    expensive are offered a regression ([`super::regress`]).

mod check;
mod choose;
mod constants;
mod lookup;
mod meet;
pub(crate) mod sample;
mod seek;
mod whole;

use super::{Predictor, cost, regress};
use crate::layout::Kind;
use check::Candidates;
pub(crate) use choose::Choice;
pub(crate) use sample::Sample;

/// What the search may spend and what its result is for.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    /// Records that the relations will be used for: what a relation saves on them pays its description.
    pub records_total: u64,
    /// Most formula evaluations of the search for closed formulas (about 40 ns each, all told). Small tables
    /// get less, in proportion to their values, so that the search never dwarfs the coding.
    pub max_operations: u64,
    /// Whether to offer regressions.
    pub approximate: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { records_total: 100_000, max_operations: 200_000_000, approximate: true }
    }
}

/// What the search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// For each field, what predicts it.
    pub predictors: Vec<Option<Predictor>>,
    /// The coding order of the fields: sources before targets.
    pub order: Vec<u16>,
    /// For each field, the estimated saving in bits per record (0 without a predictor).
    pub saved_bits: Vec<f64>,
    /// For each field, the estimated bits per record without a predictor.
    pub alone_bits: Vec<f64>,
    /// Formula evaluations that the search for closed formulas took.
    pub operations: u64,
}

/// Formula evaluations per value of the table, and for the smallest table.
const PER_VALUE: u64 = 40;
const AT_LEAST: u64 = 20_000_000;
/// Fewest rows that a search makes sense with.
const MIN_ROWS: usize = 32;

/// Finds relations in a sample: `columns[f][r]` is the raw bit pattern of field f in sampled record r. The
/// first half of the rows is searched, the second validates; within each half, rows should be neighbours in
/// the file (or runs of neighbours), so that what repeats from record to record is seen to be cheap.
///
/// # Panics
/// If the columns have different lengths, or their number differs from that of the kinds or exceeds 2^16.
pub fn find_relations(kinds: &[Kind], columns: &[Vec<u64>], options: &SearchOptions) -> Found {
    assert_eq!(kinds.len(), columns.len(), "one kind a column");
    assert!(kinds.len() <= 1 << 16, "field indices have 16 bits");
    let rows = columns.first().map_or(0, Vec::len);
    assert!(columns.iter().all(|c| c.len() == rows), "columns of one length");
    let mut choice = Choice::new(kinds.len());
    let mut operations = 0;
    let mut alone = vec![0.0; kinds.len()];
    if rows >= MIN_ROWS {
        let sample = Sample::new(kinds, columns);
        let values = options.records_total.saturating_mul(kinds.len() as u64);
        let budget = values.saturating_mul(PER_VALUE).saturating_add(AT_LEAST);
        let mut found = Candidates::new(&sample, budget.min(options.max_operations));
        seek::singles(&mut found);
        lookup::lookups(&mut found);
        whole::sums(&mut found);
        seek::pairs(&mut found);
        meet::meets(&mut found);
        operations = found.operations;
        alone.clone_from(&sample.alone);
        let priced = found.price(options);
        choice.take(priced);
        if options.approximate {
            regress::regressions(&sample, options, &mut choice);
        }
    }
    Found {
        order: choice.order(),
        saved_bits: choice.saved,
        predictors: choice.predictors,
        alone_bits: alone,
        operations,
    }
}

/// A predictor with its price, measured on the validation half.
#[derive(Clone, Debug)]
pub(crate) struct Priced {
    pub target: u16,
    pub predictor: Predictor,
    /// Bits per record that it saves.
    pub saved: f64,
    /// Bits that it saves over all records, its description paid.
    pub net: f64,
}

/// Prices a predictor on the validation half; `None` where it does not clearly pay. `base` is what the field
/// costs without it.
pub(crate) fn price(
    sample: &Sample,
    target: u16,
    predictor: Predictor,
    base: f64,
    options: &SearchOptions,
    scratch: &mut (Vec<u64>, Vec<u64>),
) -> Option<Priced> {
    let kind = sample.kinds[target as usize];
    let raw = sample.validation(target);
    let (predicted, sorted) = scratch;
    predicted.clear();
    predicted.resize(raw.len(), 0);
    sample.predict_validation(&predictor, kind, predicted);
    let saved = base - cost::residual(kind, raw, predicted, sorted);
    // The estimate fluctuates like 1/√rows; noise must not pass.
    let least = 0.05 + 4.0 / (raw.len() as f64).sqrt();
    let description = predictor.description_bits() as f64;
    let total = saved * options.records_total as f64;
    (saved > least && total > 2.0 * description).then_some(Priced {
        target,
        saved,
        net: total - description,
        predictor,
    })
}
