//! A declared layout against the bytes: does it explain them about as well as detection's own answer?

use super::kinds::KindCosts;
use super::split;
use crate::layout::RecordLayout;
use crate::log2::BIT;

/// Bytes compared.
const COMPARED: usize = 192 * 1024;
/// Fewer records than this prove nothing.
const MIN_RECORDS: usize = 24;

/// Why `layout` cannot be right for `sample`, which starts at a record; `None` if nothing speaks against it.
pub(crate) fn contradiction(layout: &RecordLayout, sample: &[u8]) -> Option<String> {
    let stride = layout.record_bytes;
    let sample = &sample[..sample.len().min(COMPARED.max(64 * stride))];
    if sample.len() / stride < MIN_RECORDS {
        return None;
    }
    let regions = super::detect(sample);
    let main = regions.iter().max_by_key(|r| (r.layout.is_some(), r.len))?;
    let Some(found) = main.layout.as_ref() else {
        let chunks = split::chunks(sample, COMPARED);
        let text = chunks.iter().filter(|c| c.text).count();
        return (text * 10 > chunks.len() * 9).then(|| "the bytes are text".to_owned());
    };
    let other = found.record_bytes;
    if other != stride && stride <= super::stride::MAX_STRIDE {
        let chunks = split::chunks(sample, COMPARED);
        let cost = |s| split::evaluate(sample, &chunks, s).iter().sum::<u64>();
        let (declared, own) = (cost(stride), cost(other));
        if declared > own + own / 33 {
            return Some(format!(
                "records of {stride} bytes explain the bytes {}% worse than records of {other}",
                (declared - own) * 100 / own.max(1)
            ));
        }
        return None;
    }
    if other != stride {
        return None;
    }
    let kinds = KindCosts::new(sample, stride);
    let (declared, own) = (kinds.cost_of(layout), kinds.cost(0));
    if declared > own + own / 8 + 2 * BIT {
        return Some(format!(
            "its fields take an estimated {} bits a record, others of the same size {}",
            declared / BIT,
            own / BIT
        ));
    }
    // A table that starts elsewhere.
    let shift = main.start % stride;
    let moved = kinds.cost(shift);
    (shift != 0 && declared > moved + moved / 8 + 2 * BIT)
        .then(|| format!("records seem to start at byte {shift}"))
}
