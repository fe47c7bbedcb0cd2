//! Approximate relations: fields predicted from others by a fitted regression.
//!
//! 1. The partners of a field are those that tell most about it: mutual information of ranks ([`partners`]).
//! 2. A regression on each partner alone is priced on the validation half; the best ones are taken by falling
//!    saving, without cycles, which settles the order of the fields.
//! 3. In that order, each field is offered further sources among the fields that come before it, chosen by
//!    what they tell about the residual.
//!
//! Fits ([`fit`]) choose their terms from a dictionary of products of basis functions. All sums run in a
//! fixed order.

mod fit;
mod partners;

use super::formula::COPY;
use super::search::{Choice, Priced, Sample, SearchOptions, price};
use super::{Function, Predictor};
use fit::Fitter;
use partners::Ranks;

/// Rows that fits use.
const ROWS: usize = 1024;
/// Most values of the table held as f64.
const MOST_VALUES: usize = 1 << 22;
/// Fields cheaper than this are left alone (bits per value where not trivial).
const MIN_BITS: f64 = 6.0;
/// Fields that a formula leaves cheaper than this are done (bits per value).
const MIN_LEFT: f64 = 3.0;
/// Tables with more fields than this get fewer attempts.
const FEW_FIELDS: usize = 80;
/// Most fields that are offered a regression.
const MOST_TARGETS: usize = 1024;

/// Adds regressions to a choice of closed formulas.
pub(crate) fn regressions(sample: &Sample, options: &SearchOptions, choice: &mut Choice) {
    let rows = sample.search(0).len();
    let few = sample.sources.len() <= FEW_FIELDS;
    let used = ROWS.min(rows).min((MOST_VALUES / sample.kinds.len()).max(64));
    // Whole runs of neighbours would be less varied than single rows.
    let picked: Vec<usize> = (0..used).map(|i| i * rows / used).collect();
    let targets: Vec<u16> = (0..sample.kinds.len() as u16)
        .filter(|&t| {
            let left = sample.alone[t as usize] - choice.saved[t as usize];
            (choice.predictors[t as usize].is_none() || left >= MIN_LEFT)
                && sample.duplicate_of[t as usize].is_none()
                && sample.alone_there(t) >= MIN_BITS
                && sample.nontrivial[t as usize] >= 0.05
        })
        .take(MOST_TARGETS)
        .collect();
    if targets.is_empty() {
        return;
    }
    let ranks = Ranks::new(sample, &picked);
    let mut scratch = (Vec::new(), Vec::new());
    let mut priced: Vec<Priced> = Vec::new();
    for &t in targets.iter().filter(|&&t| choice.predictors[t as usize].is_none()) {
        let fitter = Fitter::new(sample, &picked, t, options);
        for s in ranks.partners(sample, t, if few { 7 } else { 4 }, |_| true) {
            priced.extend(best(sample, &fitter, t, &[s], options, &mut scratch));
            let copy = Function::Formula { id: COPY, sources: vec![s], constants: Vec::new() };
            let copy = Predictor { function: copy, quantum: sample.quantum[t as usize] };
            priced.extend(price(sample, t, copy, sample.alone[t as usize], options, &mut scratch));
        }
    }
    choice.take(priced);
    let mut order = choice.order();
    order.retain(|f| targets.contains(f));
    for t in order {
        let behind = choice.behind(t);
        let fitter = Fitter::new(sample, &picked, t, options);
        let mut sources: Vec<u16> =
            choice.predictors[t as usize].as_ref().map_or(Vec::new(), |p| p.sources().to_vec());
        let mut saved = choice.saved[t as usize];
        // A formula may hide a constant that a fit on the same sources finds.
        if matches!(&choice.predictors[t as usize], Some(p) if matches!(p.function, Function::Formula { .. }))
            && sources.len() <= super::linear::MAX_LINEAR_SOURCES
            && let Some(p) = best(sample, &fitter, t, &sources, options, &mut scratch)
            && p.saved > saved + 0.1
        {
            saved = p.saved;
            choice.set(p);
        }
        // The first attempt may have been refused for a cycle: start anew among what is allowed.
        while sources.len() < super::linear::MAX_LINEAR_SOURCES {
            let residual = fitter.residual(choice.predictors[t as usize].as_ref());
            let attempts = if few { 4 } else { 2 };
            let further = ranks.partners_of(sample, t, &residual, attempts, |s| {
                !behind[s as usize] && !sources.contains(&s)
            });
            let found = further
                .into_iter()
                .filter_map(|s| {
                    let with: Vec<u16> = sources.iter().copied().chain([s]).collect();
                    best(sample, &fitter, t, &with, options, &mut scratch)
                })
                .max_by(|a, b| {
                    a.net.total_cmp(&b.net).then(b.predictor.sources().cmp(a.predictor.sources()))
                });
            let Some(found) = found else { break };
            let gain = (found.saved - saved) * options.records_total as f64;
            if found.saved < saved + 0.05 || gain < 2.0 * found.predictor.description_bits() as f64
            {
                break;
            }
            sources = found.predictor.sources().to_vec();
            saved = found.saved;
            choice.set(found);
        }
    }
}

/// The best regression on these sources that pays.
fn best(
    sample: &Sample,
    fitter: &Fitter,
    t: u16,
    sources: &[u16],
    options: &SearchOptions,
    scratch: &mut (Vec<u64>, Vec<u64>),
) -> Option<Priced> {
    let mut best: Option<Priced> = None;
    for linear in fitter.fits(sources) {
        let predictor =
            Predictor { function: Function::Linear(linear), quantum: sample.quantum[t as usize] };
        let base = sample.alone[t as usize];
        if let Some(p) = price(sample, t, predictor, base, options, scratch)
            && best.as_ref().is_none_or(|b| p.net > b.net)
        {
            best = Some(p);
        }
    }
    best
}
