//! Hostile archives, as they are and with checksums that hold: every way of reading ends with content or an error, and
//! the ways agree.

use std::io::Cursor;

use vxc::{Archive, Decoder};
use vxc_format::{FormatError, read_block_at, recover};

use crate::input::{LIMITS, decoding};
use crate::reseal;

/// The input: an archive.
pub fn run(data: &[u8]) {
    read(data);
    let mut sealed = data.to_vec();
    reseal::archive(&mut sealed);
    if sealed != data {
        read(&sealed);
    }
}

fn read(bytes: &[u8]) {
    let content = Decoder::new(bytes, decoding(2)).and_then(|mut d| d.decode_all());
    if let Ok(content) = &content {
        assert!(content.len() as u64 <= LIMITS.max_output);
    }
    if let Ok(mut archive) = Archive::open(Cursor::new(bytes), decoding(1)) {
        let mut range = vec![0; 4096];
        for at in [0, archive.len() / 2, archive.len().saturating_sub(1)] {
            let read = archive.read_range(at, &mut range);
            if let (Ok(n), Ok(content)) = (read, &content) {
                let from = usize::try_from(at).unwrap_or(usize::MAX);
                assert!(range[..n] == content[from..from + n], "random access differs");
            }
        }
        let _ = archive.streams();
    }
    let mut input = Cursor::new(bytes);
    match recover(&mut input, &LIMITS) {
        Ok(found) => {
            for (header, at) in found.archives.iter().flat_map(|a| &a.segments) {
                match read_block_at(&mut input, *at, &LIMITS) {
                    Ok(vxc_format::Block::Segment(s)) => assert_eq!(s.header, *header),
                    Ok(_) => panic!("another block than was found"),
                    Err(FormatError::LimitExceeded { .. }) => {}
                    Err(e) => panic!("what was found intact is not: {e}"),
                }
            }
            let mut end = 0;
            for range in &found.damaged {
                assert!(range.start >= end && range.end <= bytes.len() as u64, "{range:?}");
                end = range.end;
            }
        }
        Err(FormatError::LimitExceeded { .. } | FormatError::UnsupportedVersion(_)) => {}
        Err(e) => panic!("damage is no error of recovery: {e}"),
    }
}
