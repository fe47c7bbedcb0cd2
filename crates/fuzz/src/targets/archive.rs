//! Hostile archives, as they are and with checksums that hold: every way of reading ends with content or an error, and
//! the ways agree; what is left of damaged ones is given out without gaps.

use std::io::Cursor;

use vxc::salvage::Piece;
use vxc::{Archive, Decoder, Error, Salvage};
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
        let _ = (0..archive.stream_count()).try_for_each(|id| archive.first_stream(id).map(|_| ()));
    }
    salvage(bytes, content.as_deref().ok());
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

/// What is left of an archive: all of it where it is whole, else pieces that follow each other.
fn salvage(bytes: &[u8], content: Option<&[u8]>) {
    let salvaged = Salvage::open(Cursor::new(bytes), decoding(2)).and_then(|mut salvage| {
        let mut out = Vec::new();
        let most = salvage.most_content();
        for number in 0..salvage.archives().len() {
            let mut end = 0u64;
            let end_known = salvage.decode(number, |piece| {
                let range = match piece {
                    Piece::Content(header, raw) => {
                        assert_eq!(raw.len() as u64, header.info.raw_len);
                        out.extend_from_slice(raw);
                        header.info.raw_offset..header.info.raw_end()
                    }
                    Piece::Lost(loss) => {
                        assert!(content.is_none(), "lost of a whole archive: {loss:?}");
                        loss.content.clone()
                    }
                };
                assert!(range.start == end && range.end > end, "{range:?} behind {end}");
                end = range.end;
                Ok::<_, Error>(())
            })?;
            assert!(end <= most, "{end} bytes of content in {} of file", bytes.len());
            assert!(end_known || content.is_none(), "the end of a whole archive is not known");
        }
        Ok(out)
    });
    if let Some(content) = content {
        let salvaged = salvaged.expect("a whole archive can be salvaged");
        assert!(salvaged == content, "salvage gives other bytes");
    }
}
