//! The scan: walks an input whose index is lost, and finds its way again behind damage.
//!
//! A damaged segment says how long it is, and nothing need stand where it should end: bytes may be missing, so that what
//! follows stands before that place; or they may be there, and be those of an archive that was stored. An archive whose
//! header stands before it is therefore one of the file's own only if its frames lead beyond, or it ends where the file
//! ends or another archive follows; otherwise it is content, and what follows before that place must be the very next
//! segment. Definitions that stand there must be the next one of the archive, and an index must agree with the segments
//! found.

mod ends;

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use self::ends::FOOTER_LEN;
use super::{FOUND_MEMORY, Method, RecoveredArchive, Recovery, WINDOW, intact, payload_is_intact};
use crate::block::BlockHead;
use crate::constants::{FOOTER_BYTES, MAX_FRAME_PREFIX, MAX_HEADER_BODY, SIGNATURE};
use crate::content::len64;
use crate::error::FormatError;
use crate::frame::{FrameHead, Tag};
use crate::header::{Header, listed_memory};
use crate::limits::{self, DecodeLimits};
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
    /// Memory of all that was found.
    memory: u64,
    /// Bytes of payloads that turned out damaged.
    wasted: u64,
    done: Vec<RecoveredArchive>,
    current: RecoveredArchive,
    /// Behind the last thing that is intact: what stands there and is of a later version is no damage.
    border: u64,
    /// Where the current archive starts, if its header is intact.
    start: Option<u64>,
    /// Where the payload of the last damaged segment should end: what stands before may be content.
    inside: u64,
    /// Whether an archive that is content was met before that place: then only the very next segment is none of its.
    doubtful: bool,
    /// The first number and content offset behind the segments seen so far, damaged ones included.
    reached: (u64, u64),
    damaged: Vec<Range<u64>>,
}

/// What stands at a place.
enum Thing {
    Header(Header, u64),
    Block(FrameHead, BlockHead),
    Index(FrameHead),
    /// An archive that is content of a damaged segment, up to this place.
    Content(u64),
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
            memory: 0,
            wasted: 0,
            done: Vec::new(),
            current: RecoveredArchive::default(),
            border: 0,
            start: None,
            inside: 0,
            doubtful: false,
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
                    self.lost(at..next)?;
                    next
                }
            };
        }
        self.close()?;
        let table_bytes = self.memory;
        Ok(Recovery {
            method: Method::Scan,
            archives: self.done,
            damaged: self.damaged,
            table_bytes,
        })
    }

    /// Notes what stands at `at` and gives the place to go on from.
    fn take(&mut self, thing: Thing, at: u64) -> Result<u64, FormatError> {
        match thing {
            Thing::Header(header, len) => {
                self.close()?;
                self.inside = 0;
                self.start = Some(at);
                self.current.header = Some(header);
                self.border = at.saturating_add(len);
                Ok(self.border)
            }
            Thing::Content(end) => {
                self.doubtful = true;
                self.lost(at..end)?;
                Ok(end)
            }
            Thing::Index(frame) => {
                let payload_at = at.saturating_add(frame.prefix_len);
                let footer_at = payload_at.saturating_add(frame.payload_len);
                let Some(end) = self.end_at(&frame, at)? else {
                    self.lost(at..payload_at)?;
                    return Ok(payload_at);
                };
                match end.ledger {
                    Some(ledger) => self.list_lost(&ledger)?,
                    None => self.lost(at..footer_at)?,
                }
                self.current.footer = end.footer;
                self.close()?;
                if end.footer.is_none() {
                    return Ok(footer_at);
                }
                self.border = footer_at.saturating_add(FOOTER_LEN);
                Ok(self.border)
            }
            Thing::Block(frame, head) => {
                let payload_at = at.saturating_add(frame.prefix_len);
                let next = payload_at.saturating_add(frame.payload_len);
                if self.starts_another(&head) {
                    self.close()?;
                }
                if let BlockHead::Segment(segment) = &head {
                    self.reached = (segment.info.number.saturating_add(1), segment.info.raw_end());
                }
                if self.check_payload(&frame, payload_at)? {
                    self.hold(FOUND_MEMORY)?;
                    self.current.add(head, at);
                    self.border = next;
                    return Ok(next);
                }
                // If something stands where the payload ends, only its bytes are damaged; otherwise bytes
                // are missing or were added, and the next block may start anywhere behind the head.
                let resume = if self.stands_at(next)? { next } else { payload_at };
                if matches!(head, BlockHead::Segment(_)) {
                    self.inside = next;
                    self.doubtful = false;
                }
                self.lost(at..resume)?;
                Ok(resume)
            }
        }
    }

    /// The current archive ends here.
    fn close(&mut self) -> Result<(), FormatError> {
        let archive = std::mem::take(&mut self.current);
        self.start = None;
        self.reached = (0, 0);
        if !archive.is_empty() {
            self.hold(listed_memory(archive.header.as_ref()))?;
            self.done.push(archive);
        }
        Ok(())
    }

    fn lost(&mut self, range: Range<u64>) -> Result<(), FormatError> {
        match self.damaged.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => {
                self.hold(FOUND_MEMORY)?;
                self.damaged.push(range);
            }
        }
        Ok(())
    }

    /// Counts the memory of something that is kept.
    fn hold(&mut self, bytes: u64) -> Result<(), FormatError> {
        self.memory = self.memory.saturating_add(bytes);
        limits::check("the table of blocks", self.memory, self.limits.max_memory)
    }

    /// Whether a block can only be of another archive, whose header is lost.
    fn starts_another(&self, head: &BlockHead) -> bool {
        match head {
            BlockHead::Stream { id: 0, .. } => !self.current.streams.is_empty(),
            BlockHead::Segment(h) => h.info.number == 0 && !self.current.segments.is_empty(),
            _ => false,
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

    /// Whether something stands at a place further on, or the input ends there.
    fn stands_at(&mut self, at: u64) -> Result<bool, FormatError> {
        if at >= self.end || !self.has_patience() {
            return Ok(at == self.end);
        }
        let bytes = self.peek(at, LOOK)?;
        Ok(self.recognise(&bytes, at)?.is_some())
    }

    /// At most `n` bytes from a place further on. Leaves the window alone.
    fn peek(&mut self, at: u64, n: usize) -> Result<Vec<u8>, FormatError> {
        let mut bytes = vec![0u8; n];
        self.input.seek(SeekFrom::Start(at))?;
        let got = Source::new(&mut *self.input, at).fill(&mut bytes)?;
        bytes.truncate(got);
        self.wasted = self.wasted.saturating_add(len64(&bytes));
        Ok(bytes)
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
        let thing = self.recognise(self.seen(at), at)?;
        if let Some(Thing::Header(_, len)) = &thing
            && at < self.inside
            && let Some(end) = self.content_up_to(at.saturating_add(*len))?
        {
            return Ok(Some(Thing::Content(end)));
        }
        Ok(thing)
    }

    /// What `bytes`, which stand at `at`, start with.
    fn recognise(&self, bytes: &[u8], at: u64) -> Result<Option<Thing>, FormatError> {
        let expected = at == self.border;
        if !expected && !bytes.first().is_some_and(|&b| may_start(b)) {
            return Ok(None);
        }
        let mut source = Source::new(bytes, at);
        if bytes.starts_with(&SIGNATURE) {
            let header = known(Header::from_source(&mut source), expected)?;
            return Ok(header.map(|(header, len)| Thing::Header(header, len)));
        }
        let frame = known(FrameHead::from_source(&mut source), expected)?;
        let Some(frame) = frame else { return Ok(None) };
        if frame.tag == Tag::Index {
            return Ok(frame.head.is_empty().then_some(Thing::Index(frame)));
        }
        let head = known(BlockHead::parse(&frame), expected)?;
        let Some(head) = head else { return Ok(None) };
        if at >= self.inside && self.starts_another(&head) {
            return Ok(Some(Thing::Block(frame, head)));
        }
        // Of an archive within a damaged segment, most blocks do not fit here.
        let (number, raw_offset) = self.reached;
        let doubtful = self.doubtful && at < self.inside;
        let follows = match &head {
            BlockHead::Segment(h) if doubtful => {
                (h.info.number, h.info.raw_offset) == (number, raw_offset)
            }
            _ if doubtful => false,
            BlockHead::Segment(h) => h.info.number >= number && h.info.raw_offset >= raw_offset,
            BlockHead::Stream { id, .. } => {
                let last = self.current.streams.last();
                at >= self.inside || last.is_none_or(|(last, _)| last.checked_add(1) == Some(*id))
            }
            BlockHead::Model(_) => true,
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

/// As [`intact`], but what stands where a thing is expected and is of a later version is no damage.
fn known<T>(result: Result<T, FormatError>, expected: bool) -> Result<Option<T>, FormatError> {
    match result {
        Err(e @ FormatError::UnsupportedVersion(_)) if expected => Err(e),
        result => intact(result),
    }
}

const fn may_start(byte: u8) -> bool {
    byte == SIGNATURE[0] || Tag::from_byte(byte).is_some()
}
