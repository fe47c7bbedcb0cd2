//! Hostile stream codes: whatever tokeniser the bytes describe, it and its models are bijective on any records.

use arbitrary::Unstructured;
use vxc::stream::Stream;
use vxc::{SegmentKind, StreamCode};
use vxc_format::DecodeLimits;

use crate::input::LIMITS;

/// The input: the length of a code, the code, what is coded with it.
pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let len = usize::from(u.arbitrary::<u16>().unwrap_or(0)).min(u.len());
    let Ok(payload) = u.bytes(len) else { return };
    let Ok(code) = StreamCode::from_bytes(payload) else { return };
    let again = code.to_bytes();
    let read = StreamCode::from_bytes(&again).expect("what is written is read");
    assert!(read == code, "a code has one meaning");

    let copies = 1 + usize::from(u.arbitrary::<u8>().unwrap_or(0) % 8);
    let raw = u.take_rest().repeat(copies);
    let whole = raw.len().min(1 << 14) / code.record_bytes() * code.record_bytes();
    let raw = &raw[..whole];
    let DecodeLimits { max_memory, .. } = LIMITS;
    let stream = Stream::new(code);
    for (kind, method) in methods(&stream) {
        if stream.memory(kind, raw.len() as u64, raw.len() as u64) > max_memory {
            continue;
        }
        let mut state = stream.fresh(kind);
        let Ok((kind, coded)) = stream.encode(method, &mut state, raw) else { continue };
        let mut state = stream.fresh(kind);
        let mut back = Vec::new();
        stream
            .decode(kind, &mut state, &coded, &mut back, raw.len())
            .expect("what was coded is decoded");
        assert!(back == raw, "{kind:?} gives other bytes");
        // Anything else than what was coded is an error or other bytes, never a panic.
        let mut state = stream.fresh(kind);
        let _ = stream.decode(kind, &mut state, payload, &mut Vec::new(), raw.len());
    }
}

fn methods(stream: &Stream) -> Vec<(SegmentKind, vxc::Method)> {
    let mut methods = vec![(SegmentKind::Mix, vxc::Method::Mix)];
    if stream.code().plan.is_some() {
        methods.push((SegmentKind::Static, vxc::Method::Static));
    }
    methods
}
