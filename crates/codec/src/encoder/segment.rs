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
    let started = Instant::now();
    let state = if verify {
        // Its memory is free for the verification's, which is what a reader has at the end.
        drop(state);
        let back = comes_back(&output.stream, kind, start(), &bytes, raw);
        back.ok_or(Error::Verify { at: 0 })?
    } else {
        state
    };
    let state = if key { state } else { State::None };
    Ok(Coded { kind, raw: summary, bytes, state, coding, verify: started.elapsed() })
}

/// The state after coded bytes that decode, from `state`, to what they were made of.
fn comes_back(
    stream: &Stream,
    kind: SegmentKind,
    mut state: State,
    coded: &[u8],
    raw: &[u8],
) -> Option<State> {
    let mut back = Vec::new();
    stream.decode(kind, &mut state, coded, &mut back, raw.len()).ok()?;
    (back == raw).then_some(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream_code::{Form, StreamCode};

    #[test]
    fn what_does_not_come_back_is_seen() {
        let stream = Stream::new(StreamCode::new(Form::Text, 5, 1 << 12));
        let raw = b"jet pt eta phi; jet pt eta phi; jet mass pt eta; ".repeat(9);
        let mut learned = stream.fresh(SegmentKind::Mix);
        let (kind, coded) = stream.encode(Method::Mix, &mut learned, &raw).unwrap();
        let comes_back = |state, coded: &[u8], raw: &[u8]| {
            super::comes_back(&stream, kind, state, coded, raw).is_some()
        };
        let fresh = || stream.fresh(kind);
        assert!(comes_back(fresh(), &coded, &raw));
        for at in 0..coded.len() {
            let mut damaged = coded.clone();
            damaged[at] ^= 0x10;
            assert!(!comes_back(fresh(), &damaged, &raw), "byte {at}");
        }
        assert!(!comes_back(fresh(), &coded, &raw[1..]));
        assert!(!comes_back(fresh(), &coded, &[&raw[..], &[1]].concat()));
        // From what it does not start from.
        assert!(!comes_back(learned, &coded, &raw));
    }
}
