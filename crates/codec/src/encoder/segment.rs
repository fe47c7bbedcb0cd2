//! One segment: what is planned of it, the stream that it belongs to, and its coding with the check that it comes back.

use std::time::{Duration, Instant};

use vxc_format::{RawSummary, SegmentKind};

use crate::error::Error;
use crate::segment_code::{Method, State};
use crate::stream::Stream;

/// A segment to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub stream: usize,
    pub len: usize,
    /// Whether its final state starts the stream's others.
    pub key: bool,
}

/// A stream that is being written.
pub(super) struct Output {
    pub stream: Stream,
    pub method: Method,
    pub id: u32,
    /// The key segment's number, kind and final state.
    pub key: Option<(u64, SegmentKind, State)>,
}

/// One coded segment.
pub(super) struct Coded {
    pub kind: SegmentKind,
    pub raw: RawSummary,
    pub bytes: Vec<u8>,
    pub state: State,
    pub coding: Duration,
    pub verify: Duration,
}

/// Codes one segment; stored where that is not larger. `key`: its state is kept. `verify`: it is decoded again.
///
/// # Errors
/// [`Error::Verify`] if it does not decode to what it was; those of coding.
pub(super) fn code_segment(
    output: &Output,
    raw: &[u8],
    key: bool,
    verify: bool,
) -> Result<Coded, Error> {
    let start = || match &output.key {
        Some((_, _, state)) => state.clone(),
        None => output.stream.fresh(output.method.kind()),
    };
    let started = Instant::now();
    let mut state = start();
    let (kind, bytes) = output.stream.encode(output.method, &mut state, raw)?;
    let summary = RawSummary::of(raw);
    let coding = started.elapsed();
    if bytes.len() >= raw.len() {
        return Ok(Coded {
            kind: SegmentKind::Stored,
            raw: summary,
            bytes: raw.to_vec(),
            state: State::None,
            coding,
            verify: Duration::ZERO,
        });
    }
    if !key {
        // Nobody starts from it: its memory is free for the verification's.
        state = State::None;
    }
    let started = Instant::now();
    if verify {
        let mut back = Vec::new();
        let mut check = start();
        let decoded = output.stream.decode(kind, &mut check, &bytes, &mut back, raw.len());
        if decoded.is_err() || back != raw {
            return Err(Error::Verify { at: 0 });
        }
    }
    Ok(Coded { kind, raw: summary, bytes, state, coding, verify: started.elapsed() })
}
