//! Writes an archive to any `Write`, a pipe included: nothing is ever gone back to.

use std::io::Write;

use crate::content::{ContentHasher, RawSummary, len64};
use crate::error::FormatError;
use crate::footer::Footer;
use crate::frame::{Tag, write_prefix};
use crate::header::Header;
use crate::index::EntryKind;
use crate::ledger::Ledger;
use crate::model::ModelId;
use crate::segment::{Segment, SegmentHeader, SegmentInfo, SegmentKind, min_coded_len};
use crate::stream::{StreamDef, StreamKind, TokeniserSource};

/// A segment to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewSegment<'a> {
    /// The stream that it belongs to.
    pub stream: u32,
    /// How it is coded.
    pub kind: SegmentKind,
    /// Number of the key segment whose final state starts it, if any.
    pub primed_by: Option<u64>,
    /// Length and checksum of the raw bytes.
    pub raw: RawSummary,
    /// The coded bytes. Zeros are added where [`min_coded_len`] asks for more; decoders of coded bytes
    /// ignore them.
    pub coded: &'a [u8],
}

/// A segment as it was read, to be written again.
impl<'a> From<&'a Segment> for NewSegment<'a> {
    fn from(segment: &'a Segment) -> Self {
        let SegmentHeader { info, raw_xxh3 } = segment.header;
        Self {
            stream: info.stream,
            kind: info.kind,
            primed_by: info.primed_by,
            raw: RawSummary { len: info.raw_len, xxh3: raw_xxh3 },
            coded: &segment.coded,
        }
    }
}

/// Writes one archive. Drop it without [`ArchiveWriter::finish`] and the archive is truncated.
///
/// The raw bytes go to [`ArchiveWriter::content`] in order, in pieces of any size and at any time before
/// `finish`; so coding and even the segments' checksums can be computed by other threads.
#[derive(Debug)]
pub struct ArchiveWriter<W> {
    inner: W,
    ledger: Ledger,
    content: ContentHasher,
    declared_size: Option<u64>,
    /// Set while a write is under way: after an error the output is unusable.
    broken: bool,
    scratch: Vec<u8>,
}

impl<W: Write> ArchiveWriter<W> {
    /// Starts an archive: writes the header.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that is empty or too long, `Io`.
    pub fn new(inner: W, header: &Header) -> Result<Self, FormatError> {
        let mut scratch = Vec::new();
        header.write(&mut scratch)?;
        let mut writer = Self {
            inner,
            ledger: Ledger::new(len64(&scratch), 0),
            content: ContentHasher::new(),
            declared_size: header.raw_size,
            broken: false,
            scratch,
        };
        writer.put(&[], &[])?;
        Ok(writer)
    }

    /// Writes the definition of the next stream and gives its id: 0, 1, 2, …
    ///
    /// # Errors
    /// `InvalidArgument` for one stream too many, `Io`.
    pub fn define_stream(
        &mut self,
        kind: StreamKind,
        source: TokeniserSource,
        payload: &[u8],
    ) -> Result<u32, FormatError> {
        let id = self.ledger.streams();
        let head = StreamDef::write_head(id, kind, source);
        self.block(EntryKind::Stream(id), &head, payload, 0)?;
        Ok(id)
    }

    /// Writes a model file into the archive; streams defined later may name its id.
    ///
    /// # Errors
    /// `Io`.
    pub fn embed_model(&mut self, file: &[u8]) -> Result<ModelId, FormatError> {
        let id = ModelId::of(file);
        self.block(EntryKind::Model, &id.0, file, 0)?;
        Ok(id)
    }

    /// Writes the next segment of the content and gives its number: 0, 1, 2, …
    ///
    /// # Errors
    /// `InvalidArgument` if the stream is not defined, the key segment is none, or the lengths exceed
    /// what the format allows; `Io`.
    pub fn segment(&mut self, segment: &NewSegment<'_>) -> Result<u64, FormatError> {
        let number = self.ledger.segment_count();
        let info = SegmentInfo {
            number,
            raw_offset: self.ledger.raw_total(),
            stream: segment.stream,
            kind: segment.kind,
            primed_by: segment.primed_by,
            raw_len: segment.raw.len,
        };
        let head = SegmentHeader { info, raw_xxh3: segment.raw.xxh3 }.write_head();
        let padding = min_coded_len(segment.raw.len).saturating_sub(len64(segment.coded));
        self.block(EntryKind::Segment(info), &head, segment.coded, padding)?;
        Ok(number)
    }

    /// Hashes the next raw bytes of the content. Writes nothing.
    pub fn content(&mut self, raw: &[u8]) {
        self.content.update(raw);
    }

    /// Writes index and footer, flushes, and gives the output back.
    ///
    /// # Errors
    /// `InvalidArgument` if the content hashed is not as long as the segments, or as the header
    /// declares, or the index exceeds 4 GiB; `Io`.
    pub fn finish(mut self) -> Result<(W, Footer), FormatError> {
        let content = self.content.digest();
        if content.len != self.ledger.raw_total() {
            return Err(FormatError::argument(format!(
                "{} bytes of content were hashed, the segments hold {}",
                content.len,
                self.ledger.raw_total()
            )));
        }
        if let Some(size) = self.declared_size.filter(|&size| size != content.len) {
            return Err(FormatError::argument(format!(
                "the header declares {size} bytes of content, {} came",
                content.len
            )));
        }
        let payload = self.ledger.index_payload();
        let index_offset = self.ledger.next_offset();
        self.scratch.clear();
        let prefix = write_prefix(&mut self.scratch, Tag::Index, &[], &payload, &[])?;
        let index_len = u32::try_from(prefix.saturating_add(len64(&payload)))
            .map_err(|_| FormatError::argument("the index exceeds 4 GiB: use larger segments"))?;
        let footer = Footer { index_offset, index_len, content };
        self.put(&payload, &footer.to_bytes())?;
        self.inner.flush()?;
        Ok((self.inner, footer))
    }

    /// Number of bytes written so far.
    pub const fn bytes_written(&self) -> u64 {
        self.ledger.next_offset()
    }

    fn block(
        &mut self,
        kind: EntryKind,
        head: &[u8],
        payload: &[u8],
        padding: u64,
    ) -> Result<(), FormatError> {
        // At most 64 KiB: a GiB of raw bytes over the largest expansion.
        let zeros = vec![0u8; usize::try_from(padding).unwrap_or(usize::MAX)];
        self.scratch.clear();
        let prefix = write_prefix(&mut self.scratch, kind.tag(), head, payload, &zeros)?;
        let payload_len = len64(payload).saturating_add(padding);
        self.ledger.admit(kind, prefix, payload_len, u64::MAX).map_err(|e| match e {
            FormatError::Corruption(m) => FormatError::InvalidArgument(m),
            other => other,
        })?;
        self.put(payload, &zeros)
    }

    /// Writes `scratch`, then the two parts.
    fn put(&mut self, payload: &[u8], after: &[u8]) -> Result<(), FormatError> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(FormatError::argument("the archive writer failed before"));
        }
        for part in [self.scratch.as_slice(), payload, after] {
            self.inner.write_all(part)?;
        }
        self.broken = false;
        Ok(())
    }
}
