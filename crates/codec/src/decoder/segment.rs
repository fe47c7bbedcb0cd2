//! One segment decoded.

use vxc_format::{RawSummary, Segment, SegmentKind};

use crate::error::Error;
use crate::segment_code::State;
use crate::stream::Stream;

/// What a segment starts from: its key's final state, or nothing learned.
pub(crate) fn start_state(stream: &Stream, segment: &Segment, key: Option<State>) -> State {
    match (key, segment.header.info.kind) {
        (Some(state), _) => state,
        (None, SegmentKind::Stored | SegmentKind::Lz) => State::None,
        (None, kind) => stream.fresh(kind),
    }
}

/// Decodes one segment, appends it to `out` and checks it.
///
/// # Errors
/// [`Error::Corruption`]; that its checksum is another.
pub(crate) fn decode_segment(
    stream: &Stream,
    segment: &Segment,
    state: &mut State,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let info = segment.header.info;
    let raw_len = usize::try_from(info.raw_len)
        .map_err(|_| Error::Corruption("length of a segment".into()))?;
    let from = out.len();
    stream.decode(info.kind, state, &segment.coded, out, raw_len)?;
    segment.header.verify_raw(&RawSummary::of(&out[from..]))?;
    Ok(())
}
