//! Reads archives in order from any `Read`, a pipe included.

use std::io::Read;

use crate::block::{Block, BlockHead};
use crate::constants::SIGNATURE;
use crate::content::len64;
use crate::error::FormatError;
use crate::footer::Footer;
use crate::frame::{FrameHead, Tag};
use crate::header::{Header, check_signature};
use crate::ledger::Ledger;
use crate::limits::{self, DecodeLimits};
use crate::segment::SegmentInfo;
use crate::source::Source;

/// What comes next, before its payload is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextBlock {
    /// A stream definition or a model of so many bytes.
    Definition(u64),
    /// A segment, of so many coded bytes.
    Segment(SegmentInfo, u64),
    /// The archive's end.
    End,
}

/// Reads the blocks of an archive, then of those concatenated to it.
///
/// ```text
/// new → next_block* → Block::End → next_archive → true: next_block* … | false: the input is over
/// ```
/// Every stored checksum is verified but those of raw bytes, which need decoding:
/// [`SegmentHeader::verify_raw`](crate::SegmentHeader::verify_raw) for each segment and
/// [`ContentDigest::verify`](crate::ContentDigest::verify) at the end are the caller's. An input is
/// intact only when `next_archive` has returned `false`.
///
/// Reads are small around blocks and large inside them: give it a `BufReader` if small ones are dear.
#[derive(Debug)]
pub struct BlockReader<R> {
    source: Source<R>,
    limits: DecodeLimits,
    header: Header,
    ledger: Ledger,
    /// Content of the archives before.
    output_before: u64,
    /// The next block, if it was looked at: its frame, and what it is, if it is not the index.
    ahead: Option<(FrameHead, Option<BlockHead>)>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Blocks,
    Ended,
    Finished,
    /// After an error nothing that follows can be trusted.
    Failed,
}

impl<R: Read> BlockReader<R> {
    /// Reads the first header.
    ///
    /// # Errors
    /// Any kind but `InvalidArgument`.
    pub fn new(inner: R, limits: DecodeLimits) -> Result<Self, FormatError> {
        let mut source = Source::new(inner, 0);
        let (header, header_len) = Header::from_source(&mut source)?;
        check_declared(&header, 0, &limits)?;
        Ok(Self {
            source,
            limits,
            header,
            ledger: Ledger::new(header_len, 0),
            output_before: 0,
            ahead: None,
            state: State::Blocks,
        })
    }

    /// The header of the current archive.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Number of input bytes read so far.
    pub const fn position(&self) -> u64 {
        self.source.position()
    }

    /// Looks at the next block. Its own limits are checked; a caller who holds more than the table of blocks knows what
    /// reading it will take.
    ///
    /// # Errors
    /// As [`BlockReader::next_block`].
    pub fn peek(&mut self) -> Result<NextBlock, FormatError> {
        self.expect(State::Blocks)?;
        let ahead = self.head()?;
        let next = match &ahead {
            (frame, Some(BlockHead::Segment(h))) => NextBlock::Segment(h.info, frame.payload_len),
            (frame, Some(_)) => NextBlock::Definition(frame.payload_len),
            (_, None) => NextBlock::End,
        };
        self.ahead = Some(ahead);
        self.state = State::Blocks;
        Ok(next)
    }

    /// Reads the next block.
    ///
    /// # Errors
    /// Any kind; `InvalidArgument` after [`Block::End`] or an error.
    pub fn next_block(&mut self) -> Result<Block, FormatError> {
        self.expect(State::Blocks)?;
        let block = self.read_block()?;
        self.state = if matches!(block, Block::End(_)) { State::Ended } else { State::Blocks };
        Ok(block)
    }

    /// After [`Block::End`]: whether another archive follows, whose header has then been read.
    ///
    /// # Errors
    /// `Corruption` if something else follows; any other kind from its header; `InvalidArgument` before
    /// the archive's end or after an error.
    pub fn next_archive(&mut self) -> Result<bool, FormatError> {
        self.expect(State::Ended)?;
        let start = self.source.position();
        let mut signature = [0u8; SIGNATURE.len()];
        let got = self.source.fill(&mut signature)?;
        if got == 0 {
            self.state = State::Finished;
            return Ok(false);
        }
        check_signature(signature.get(..got).unwrap_or_default(), start)?;
        let (header, header_len) = Header::after_signature(&mut self.source, start)?;
        self.output_before = self.output_before.saturating_add(self.ledger.raw_total());
        check_declared(&header, self.output_before, &self.limits)?;
        self.header = header;
        self.ledger = Ledger::new(header_len, 0);
        self.state = State::Blocks;
        Ok(true)
    }

    /// Gives the input back, wherever it stands.
    pub fn into_inner(self) -> R {
        self.source.into_inner()
    }

    /// Moves from `state` to `Failed`, where an error leaves it.
    fn expect(&mut self, state: State) -> Result<(), FormatError> {
        if self.state != state {
            return Err(FormatError::argument(match self.state {
                State::Blocks => "the archive is not at its end",
                State::Ended | State::Finished => "the archive has ended",
                State::Failed => "reading has failed before",
            }));
        }
        self.state = State::Failed;
        Ok(())
    }

    /// Bytes of memory that the tables of the blocks hold that were read so far.
    pub fn table_bytes(&self) -> u64 {
        self.ledger.all_bytes()
    }

    fn read_block(&mut self) -> Result<Block, FormatError> {
        match self.head()? {
            (frame, Some(head)) => {
                let payload = frame.payload(&mut self.source)?;
                head.complete(&frame, payload)
            }
            (frame, None) => self.read_end(&frame).map(Block::End),
        }
    }

    /// The frame of the next block, and its head if it is not the index. It is in the table then, and within limits.
    fn head(&mut self) -> Result<(FrameHead, Option<BlockHead>), FormatError> {
        if let Some(seen) = self.ahead.take() {
            return Ok(seen);
        }
        let frame = FrameHead::from_source(&mut self.source)?;
        if frame.tag == Tag::Index {
            return Ok((frame, None));
        }
        let head = BlockHead::parse(&frame)?;
        self.ledger.admit(
            head.entry_kind(),
            frame.prefix_len,
            frame.payload_len,
            self.limits.max_memory,
        )?;
        head.check_limits(frame.payload_len, &self.limits)?;
        let output = self.output_before.saturating_add(self.ledger.raw_total());
        limits::check(limits::CONTENT, output, self.limits.max_output)?;
        Ok((frame, Some(head)))
    }

    /// The index must list exactly the blocks seen, and the footer must agree.
    fn read_end(&mut self, frame: &FrameHead) -> Result<Footer, FormatError> {
        let expected = self.ledger.index_payload();
        // Compared before reading, so a false length costs no memory.
        if !frame.head.is_empty() || frame.payload_len != len64(&expected) {
            return Err(disagrees(frame.offset));
        }
        if frame.payload(&mut self.source)? != expected {
            return Err(disagrees(frame.offset));
        }
        let at = self.source.position();
        let footer = Footer::parse(&self.source.array("the footer")?, at)?;
        check_footer(&footer, &self.header, &self.ledger, frame)?;
        Ok(footer)
    }
}

fn disagrees(at: u64) -> FormatError {
    FormatError::corrupt(format!("the index at byte {at} does not list the archive's blocks"))
}

/// What header, blocks, index and footer say of each other.
pub(crate) fn check_footer(
    footer: &Footer,
    header: &Header,
    ledger: &Ledger,
    index: &FrameHead,
) -> Result<(), FormatError> {
    let index_len = index.prefix_len.saturating_add(index.payload_len);
    if footer.index_offset != ledger.next_offset() || u64::from(footer.index_len) != index_len {
        return Err(FormatError::corrupt("the footer does not point at the index"));
    }
    let total = ledger.raw_total();
    if footer.content.len != total || header.raw_size.is_some_and(|size| size != total) {
        return Err(FormatError::corrupt(format!(
            "the segments hold {total} bytes; the footer says {}{}",
            footer.content.len,
            header.raw_size.map_or(String::new(), |size| format!(", the header {size}"))
        )));
    }
    Ok(())
}

/// A declared size beyond the limit need not be decoded up to the limit first.
fn check_declared(header: &Header, before: u64, limits: &DecodeLimits) -> Result<(), FormatError> {
    let declared = before.saturating_add(header.raw_size.unwrap_or(0));
    limits::check(limits::CONTENT, declared, limits.max_output)
}
