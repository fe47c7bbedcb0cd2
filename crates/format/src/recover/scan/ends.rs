//! Where archives end: which index and footer are the current archive's, and whether an archive that is met within the
//! reach of a damaged segment is one of the file's own or content of that segment.

use std::io::{Read, Seek, SeekFrom};

use super::Scan;
use crate::constants::{FOOTER_BYTES, MAX_FRAME_PREFIX, SIGNATURE};
use crate::error::FormatError;
use crate::footer::Footer;
use crate::frame::{FrameHead, Tag};
use crate::index::parse_payload;
use crate::ledger::Ledger;
use crate::limits;
use crate::recover::{FOUND_MEMORY, intact};
use crate::source::Source;

pub(super) const FOOTER_LEN: u64 = FOOTER_BYTES as u64;

/// The end of the current archive: of footer and index what is intact, one of them at least.
pub(super) struct End {
    pub footer: Option<Footer>,
    pub ledger: Option<Ledger>,
}

impl<R: Read + Seek> Scan<'_, R> {
    /// The end of the current archive whose index has its head at `at`; none if footer or index are another's, or damaged.
    pub(super) fn end_at(
        &mut self,
        frame: &FrameHead,
        at: u64,
    ) -> Result<Option<End>, FormatError> {
        let payload_at = at.saturating_add(frame.prefix_len);
        let footer_at = payload_at.saturating_add(frame.payload_len);
        let footer = self.footer_at(footer_at)?;
        // Where bytes are missing, the distance is another one.
        let distance = self.start.and_then(|start| at.checked_sub(start));
        let in_place =
            footer.is_some_and(|f| at >= self.inside || distance == Some(f.index_offset));
        if !self.check_payload(frame, payload_at)? {
            return Ok(in_place.then_some(End { footer, ledger: None }));
        }
        // Known to be intact before memory is asked for.
        let left = self.limits.max_memory.saturating_sub(self.memory);
        limits::check("the index", frame.payload_len, left)?;
        self.input.seek(SeekFrom::Start(payload_at))?;
        let payload = frame.payload(&mut Source::new(&mut *self.input, payload_at))?;
        let Some(ledger) = intact(parse_payload(&payload, left.saturating_sub(frame.payload_len)))?
        else {
            return Ok(None);
        };
        let mut known = self.current.segments.iter().map(|(header, _)| {
            let number = usize::try_from(header.info.number).ok();
            number.and_then(|n| ledger.segment(n)).is_some_and(|(_, info)| *info == header.info)
        });
        let some = !self.current.segments.is_empty();
        let belongs = known.all(|same| same) && (some || in_place);
        Ok(belongs.then_some(End { footer, ledger: Some(ledger) }))
    }

    /// Notes the segments of an index that were not found.
    pub(super) fn list_lost(&mut self, ledger: &Ledger) -> Result<(), FormatError> {
        let mut found =
            self.current.segments.iter().map(|(header, _)| header.info.number).peekable();
        let all = (0..).map_while(|n| ledger.segment(n)).map(|(_, info)| *info);
        let lost = all.filter(|info| found.next_if_eq(&info.number).is_none()).collect::<Vec<_>>();
        self.hold(u64::try_from(lost.len()).unwrap_or(u64::MAX).saturating_mul(FOUND_MEMORY))?;
        self.current.lost = lost;
        self.current.listed_len = Some(ledger.raw_total());
        Ok(())
    }

    /// The footer at a place.
    fn footer_at(&mut self, at: u64) -> Result<Option<Footer>, FormatError> {
        let bytes = self.peek(at, FOOTER_BYTES)?;
        Ok(bytes.first_chunk().and_then(|b| Footer::parse(b, at).ok()))
    }

    /// Up to where there is nothing but an archive whose first block stands at `first`, if it is content of a damaged
    /// segment; none if it is one of the file's own.
    pub(super) fn content_up_to(&mut self, first: u64) -> Result<Option<u64>, FormatError> {
        let mut at = first;
        while self.has_patience() {
            let mut head = &self.peek(at, MAX_FRAME_PREFIX)?[..];
            let frame = intact(FrameHead::from_source(&mut Source::new(&mut head, at)))?;
            if frame.is_some() && at > self.inside {
                return Ok(None);
            }
            // Content of which the coding, or the segment's end, has broken up the frames; or an archive that is damaged
            // as well, which cannot be told from that.
            let Some(frame) = frame else { return Ok(Some(first)) };
            at = at.saturating_add(frame.prefix_len).saturating_add(frame.payload_len);
            if frame.tag == Tag::Index && self.footer_at(at)?.is_some() {
                at = at.saturating_add(FOOTER_LEN);
                let own = at == self.end || self.peek(at, SIGNATURE.len())? == SIGNATURE;
                return Ok((!own && at <= self.inside).then_some(at));
            }
        }
        Ok(None)
    }
}
