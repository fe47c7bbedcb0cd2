//! The scan: walks an input whose index is lost, and finds its way again behind damage.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use super::{Method, RecoveredArchive, Recovery, WINDOW, intact, payload_is_intact};
use crate::block::BlockHead;
use crate::constants::{FOOTER_BYTES, MAX_FRAME_PREFIX, MAX_HEADER_BODY, SIGNATURE};
use crate::content::len64;
use crate::error::FormatError;
use crate::footer::Footer;
use crate::frame::{FrameHead, Tag};
use crate::header::Header;
use crate::limits::{self, DecodeLimits};
use crate::segment::SegmentHeader;
use crate::source::Source;

/// Longest thing that a look at one place must see whole: a header.
const LOOK: usize = MAX_HEADER_BODY + 32;
const _: () = assert!(LOOK >= MAX_FRAME_PREFIX && LOOK >= FOOTER_BYTES && LOOK < WINDOW);

/// A scan reads at most this many times the input's size for heads whose payload is damaged; real
/// damage needs once. Past it, only what follows directly on something intact is recognised.
const MAX_WASTE: u64 = 16;
/// As [`MAX_WASTE`], for small inputs.
const WASTE_SLACK: u64 = 64 << 20;

/// Walks and scans an input.
pub(super) struct Scan<'a, R> {
    input: &'a mut R,
    end: u64,
    window: Vec<u8>,
    window_at: u64,
    limits: &'a DecodeLimits,
    found: u64,
    /// Bytes of payloads that turned out damaged.
    wasted: u64,
    done: Vec<RecoveredArchive>,
    current: RecoveredArchive,
    /// Where the payload of a damaged segment should end: before that place, headers and definitions are taken for content.
    inside: u64,
    /// The first number and content offset behind the segments seen so far, damaged ones included.
    reached: (u64, u64),
    damaged: Vec<Range<u64>>,
}

/// What stands at a place.
enum Thing {
    Header(Header, u64),
    Block(FrameHead, BlockHead),
    Index(FrameHead),
}

impl<'a, R: Read + Seek> Scan<'a, R> {
    pub(super) fn new(input: &'a mut R, limits: &'a DecodeLimits) -> Result<Self, FormatError> {
        let end = input.seek(SeekFrom::End(0))?;
        Ok(Self {
            input,
            end,
            window: Vec::new(),
            window_at: 0,
            limits,
            found: 0,
            wasted: 0,
            done: Vec::new(),
            current: RecoveredArchive::default(),
            inside: 0,
            reached: (0, 0),
            damaged: Vec::new(),
        })
    }

    pub(super) fn run(mut self) -> Result<Recovery, FormatError> {
        let mut at = 0u64;
        while at < self.end {
            at = match self.thing_at(at)? {
                Some(thing) => self.take(thing, at)?,
                None => {
                    let next = self.find_thing(at.saturating_add(1))?;
                    self.lost(at..next);
                    next
                }
            };
        }
        self.close();
        Ok(Recovery { method: Method::Scan, archives: self.done, damaged: self.damaged })
    }

    /// Notes what stands at `at` and gives the place to go on from.
    fn take(&mut self, thing: Thing, at: u64) -> Result<u64, FormatError> {
        match thing {
            Thing::Header(header, len) => {
                self.close();
                self.current.header = Some(header);
                Ok(at.saturating_add(len))
            }
            Thing::Index(frame) => {
                // The footer stands behind it, if the archive is whole up to there.
                let payload_at = at.saturating_add(frame.prefix_len);
                let footer_at = payload_at.saturating_add(frame.payload_len);
                let bytes = self.look(footer_at, FOOTER_BYTES)?;
                let footer = bytes.first_chunk().and_then(|b| Footer::parse(b, footer_at).ok());
                let Some(footer) = footer else {
                    self.lost(at..payload_at);
                    return Ok(payload_at);
                };
                if !self.check_payload(&frame, payload_at)? {
                    self.lost(at..footer_at);
                }
                self.current.footer = Some(footer);
                self.close();
                Ok(footer_at.saturating_add(u64::try_from(FOOTER_BYTES).unwrap_or(u64::MAX)))
            }
            Thing::Block(frame, head) => {
                let payload_at = at.saturating_add(frame.prefix_len);
                let next = payload_at.saturating_add(frame.payload_len);
                if let BlockHead::Segment(segment) = &head {
                    self.reached = (segment.info.number.saturating_add(1), segment.info.raw_end());
                }
                if self.check_payload(&frame, payload_at)? {
                    self.found = self.found.saturating_add(1);
                    let memory = self.found.saturating_mul(FOUND_MEMORY);
                    limits::check("the table of blocks", memory, self.limits.max_memory)?;
                    self.current.add(head, at);
                    return Ok(next);
                }
                // If something stands where the payload ends, only its bytes are damaged; otherwise bytes
                // are missing or were added, and the next block may start anywhere behind the head.
                let resume = if self.stands_at(next)? { next } else { payload_at };
                if matches!(head, BlockHead::Segment(_)) {
                    self.inside = next;
                }
                self.lost(at..resume);
                Ok(resume)
            }
        }
    }

    /// The current archive ends here.
    fn close(&mut self) {
        let archive = std::mem::take(&mut self.current);
        self.reached = (0, 0);
        if !archive.is_empty() {
            self.done.push(archive);
        }
    }

    fn lost(&mut self, range: Range<u64>) {
        match self.damaged.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.damaged.push(range),
        }
    }

    /// Made-up heads inside each other could ask for work quadratic in the input's size.
    fn has_patience(&self) -> bool {
        self.wasted <= self.end.saturating_mul(MAX_WASTE).saturating_add(WASTE_SLACK)
    }

    fn check_payload(&mut self, frame: &FrameHead, at: u64) -> Result<bool, FormatError> {
        if frame.payload_len > self.end.saturating_sub(at) || !self.has_patience() {
            return Ok(false);
        }
        self.input.seek(SeekFrom::Start(at))?;
        let intact = payload_is_intact(&mut Source::new(&mut *self.input, at), frame)?;
        if !intact {
            self.wasted = self.wasted.saturating_add(frame.payload_len);
        }
        Ok(intact)
    }

    /// Whether something stands at a place further on, or the input ends there. Leaves the window alone.
    fn stands_at(&mut self, at: u64) -> Result<bool, FormatError> {
        if at >= self.end || !self.has_patience() {
            return Ok(at == self.end);
        }
        let mut bytes = vec![0u8; LOOK];
        self.input.seek(SeekFrom::Start(at))?;
        let got = Source::new(&mut *self.input, at).fill(&mut bytes)?;
        bytes.truncate(got);
        self.wasted = self.wasted.saturating_add(len64(&bytes));
        Ok(self.recognise(&bytes, at)?.is_some())
    }

    /// The first place from `at` on where something stands, or the input's end.
    fn find_thing(&mut self, mut at: u64) -> Result<u64, FormatError> {
        while at < self.end {
            let window = self.look(at, 1)?;
            if window.is_empty() {
                break; // the input has become shorter
            }
            let candidate = window.iter().position(|&b| may_start(b));
            let skip = candidate.unwrap_or(window.len());
            at = at.saturating_add(u64::try_from(skip).unwrap_or(u64::MAX));
            if candidate.is_some() {
                if self.thing_at(at)?.is_some() {
                    return Ok(at);
                }
                at = at.saturating_add(1);
            }
        }
        Ok(self.end)
    }

    /// What stands at `at`, if its checksum holds and it fits what was found before.
    fn thing_at(&mut self, at: u64) -> Result<Option<Thing>, FormatError> {
        self.look(at, LOOK)?;
        self.recognise(self.seen(at), at)
    }

    /// What `bytes`, which stand at `at`, start with.
    fn recognise(&self, bytes: &[u8], at: u64) -> Result<Option<Thing>, FormatError> {
        if !bytes.first().is_some_and(|&b| may_start(b)) {
            return Ok(None);
        }
        let mut source = Source::new(bytes, at);
        if bytes.starts_with(&SIGNATURE) {
            if at < self.inside {
                return Ok(None);
            }
            let header = intact(Header::from_source(&mut source))?;
            return Ok(header.map(|(header, len)| Thing::Header(header, len)));
        }
        let Some(frame) = intact(FrameHead::from_source(&mut source))? else { return Ok(None) };
        if frame.tag == Tag::Index {
            return Ok(frame.head.is_empty().then_some(Thing::Index(frame)));
        }
        let Ok(head) = BlockHead::parse(&frame) else { return Ok(None) };
        // Of an archive within a damaged segment, most blocks do not fit here.
        let (number, raw_offset) = self.reached;
        let follows = match &head {
            BlockHead::Segment(h) => h.info.number >= number && h.info.raw_offset >= raw_offset,
            BlockHead::Stream { .. } | BlockHead::Model(_) => at >= self.inside,
        };
        let fits = follows && self.current.continues(&head);
        Ok(fits.then_some(Thing::Block(frame, head)))
    }

    /// At least `n` bytes from `at` on, or all that are left.
    fn look(&mut self, at: u64, n: usize) -> Result<&[u8], FormatError> {
        let window_end = self.window_at.saturating_add(len64(&self.window));
        let wanted = at.saturating_add(u64::try_from(n).unwrap_or(u64::MAX)).min(self.end);
        if at < self.window_at || wanted > window_end {
            let left = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
            self.window.resize(left.min(WINDOW), 0);
            self.window_at = at;
            self.input.seek(SeekFrom::Start(at))?;
            let got = Source::new(&mut *self.input, at).fill(&mut self.window)?;
            self.window.truncate(got);
            if got < left.min(WINDOW) {
                self.end = at.saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
            }
        }
        Ok(self.seen(at))
    }

    /// What the window holds from `at` on.
    fn seen(&self, at: u64) -> &[u8] {
        let from = usize::try_from(at.saturating_sub(self.window_at)).unwrap_or(usize::MAX);
        self.window.get(from..).unwrap_or_default()
    }
}

/// Memory of one found block.
const FOUND_MEMORY: u64 = 128;
const _: () = assert!(size_of::<(SegmentHeader, u64)>() * 2 <= 256);

const fn may_start(byte: u8) -> bool {
    byte == SIGNATURE[0] || Tag::from_byte(byte).is_some()
}
