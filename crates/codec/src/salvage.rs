//! What is left of a damaged archive: every segment that is intact comes out at its place in the content, and every
//! range that does not is named with the reason.
//!
//! Two kinds of segment are lost: those whose own bytes are damaged, and intact ones whose definition, model or key
//! segment is. Content that is given out has passed the checksum of its segment.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use vxc_format::constants::{EXPANSION_SLACK, MAX_EXPANSION};
use vxc_format::recover::{LostContent, RecoveredArchive, Recovery, recover};
use vxc_format::{Block, BlockAt, FormatError, Header, Segment, SegmentHeader};

use crate::PROFILE;
use crate::admission::{Key, Keys, Load};
use crate::budget::Budget;
use crate::decoder::{decode_segment, start_state};
use crate::error::Error;
use crate::options::DecompressOptions;
use crate::parallel::in_parallel;
use crate::segment_code::State;
use crate::stream::Stream;

/// A range of an archive's content that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Which bytes of the content.
    pub content: Range<u64>,
    /// The segment that holds them, where that is known.
    pub segment: Option<u64>,
    /// Why, in words.
    pub why: String,
}

/// What comes next of an archive's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A segment's bytes.
    Content(&'a SegmentHeader, &'a [u8]),
    /// Bytes that are lost.
    Lost(&'a Loss),
}

/// A damaged input that can seek.
pub struct Salvage<R> {
    input: R,
    options: DecompressOptions,
    found: Recovery,
    /// Of each archive, what no intact segment holds, and whether its content's end is known.
    gaps: Vec<(Vec<LostContent>, bool)>,
    file_bytes: u64,
}

/// A segment with its bytes, or why it cannot be had.
type Decoded = (SegmentHeader, Result<Vec<u8>, String>);

/// A segment that is to be decoded.
struct Job<'a> {
    header: SegmentHeader,
    segment: Segment,
    stream: &'a Stream,
    state: State,
}

/// What decodes an archive's segments.
struct Codes {
    /// By id; why not, where one cannot be opened.
    streams: BTreeMap<u32, Result<Stream, String>>,
    keys: Keys,
    /// Of models, streams and lists.
    budget: Budget,
}

impl<R: Read + Seek> Salvage<R> {
    /// Looks for everything that is intact.
    ///
    /// # Errors
    /// I/O; a limit; [`FormatError::UnsupportedVersion`]; [`Error::Corruption`] for heads that claim more than the file can
    /// hold. Other damage is none.
    pub fn open(mut input: R, options: DecompressOptions) -> Result<Self, Error> {
        vxc_infer::Isa::from_env()?;
        let file_bytes = input.seek(SeekFrom::End(0)).map_err(FormatError::from)?;
        let found = recover(&mut input, &options.limits)?;
        let most = most_content(file_bytes);
        let mut claimed = 0;
        let gaps = found.archives.iter().map(|a| gaps(a, most, &mut claimed));
        let gaps = gaps.collect::<Result<_, _>>()?;
        Ok(Self { input, options, found, gaps, file_bytes })
    }

    /// What is left of each archive.
    pub fn archives(&self) -> &[RecoveredArchive] {
        &self.found.archives
    }

    /// Bytes of the file that belong to nothing intact.
    pub fn damaged(&self) -> &[Range<u64>] {
        &self.found.damaged
    }

    /// Gives the content of archive `number` to `sink`, in order and without a gap; says whether it reached the content's
    /// end, which is not known where header and footer do not tell.
    ///
    /// # Errors
    /// I/O; a limit; [`Error::ModelMissing`]; what `sink` gives. Damage is a [`Piece::Lost`].
    pub fn decode<E: From<Error>>(
        &mut self,
        number: usize,
        mut sink: impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let (Some(archive), Some(gaps)) =
            (self.found.archives.get_mut(number), self.gaps.get_mut(number))
        else {
            return Ok(true);
        };
        // Lists may be long: they are lent, not copied.
        let (archive, gaps) = (std::mem::take(archive), std::mem::take(gaps));
        let decoded = self.decode_archive(&archive, &gaps.0, &mut sink);
        let end_known = gaps.1;
        self.found.archives[number] = archive;
        self.gaps[number] = gaps;
        decoded.map(|()| end_known)
    }

    fn decode_archive<E: From<Error>>(
        &mut self,
        archive: &RecoveredArchive,
        gaps: &[LostContent],
        sink: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut codes = self.codes(archive)?;
        let mut gaps = gaps.iter().peekable();
        let mut segments = archive.segments.iter().peekable();
        while segments.peek().is_some() {
            for (header, result) in self.batch(&mut codes, &mut segments)? {
                while let Some(gap) = gaps.next_if(|g| g.content.start < header.info.raw_offset) {
                    sink(Piece::Lost(&missing(gap)))?;
                }
                match result {
                    Ok(raw) => sink(Piece::Content(&header, &raw))?,
                    Err(why) => {
                        let (content, segment) = (span(&header), Some(header.info.number));
                        sink(Piece::Lost(&Loss { content, segment, why }))?;
                    }
                }
            }
        }
        gaps.try_for_each(|gap| sink(Piece::Lost(&missing(gap))))
    }

    /// Most bytes of content that a file of this size can hold.
    pub fn most_content(&self) -> u64 {
        most_content(self.file_bytes)
    }

    /// Opens the streams.
    fn codes(&mut self, archive: &RecoveredArchive) -> Result<Codes, Error> {
        let profile = PROFILE;
        let header = archive.header.clone().unwrap_or(Header { profile, ..Header::default() });
        let mut models = self.options.models.clone();
        let mut budget = Budget::new(&self.options)?;
        budget.hold("the lists of what is intact", self.found.table_bytes, 0)?;
        for (_, at) in &archive.models {
            let Block::Model(embedded) = read(&mut self.input, *at, &budget)? else { continue };
            models.extend(lost_or(budget.load_model(&embedded, 0))?);
        }
        let mut streams: BTreeMap<u32, Result<Stream, String>> = BTreeMap::new();
        let mut missing = None;
        for (id, at) in &archive.streams {
            let Block::Stream(def) = read(&mut self.input, *at, &budget)? else { continue };
            let stream = match budget.open_stream(&def, &models, &header, 0) {
                Ok(stream) => Ok(stream),
                Err(e) if is_refusal(&e) => return Err(e),
                Err(e) => {
                    let why = e.to_string();
                    missing = missing.or(matches!(e, Error::ModelMissing { .. }).then_some(e));
                    Err(why)
                }
            };
            streams.insert(*id, stream);
        }
        // Forgotten, or lost with the archive: whoever has it can give it.
        match missing {
            Some(e) if streams.values().all(Result::is_err) => return Err(e),
            _ => {}
        }
        Ok(Codes { streams, keys: Keys::default(), budget })
    }

    /// Decodes segments that do not wait for each other.
    fn batch<'a>(
        &mut self,
        codes: &mut Codes,
        segments: &mut std::iter::Peekable<impl Iterator<Item = &'a (SegmentHeader, u64)>>,
    ) -> Result<Vec<Decoded>, Error> {
        let mut out: Vec<Decoded> = Vec::new();
        let mut jobs: Vec<(usize, Job<'_>)> = Vec::new();
        let mut load = Load::new(&self.options);
        let Codes { streams, keys, budget } = codes;
        while let Some((header, at)) = segments.peek() {
            match self.next(header, *at, streams, keys, budget.held(), &mut load)? {
                Next::Later => break,
                Next::Lost(why) => out.push((*header, Err(why))),
                Next::Ready(job) => {
                    jobs.push((out.len(), job));
                    out.push((*header, Ok(Vec::new())));
                }
            }
            segments.next();
        }
        let bytes = jobs.iter().map(|(_, j)| j.header.info.raw_len).fold(0, u64::saturating_add);
        let results = in_parallel(bytes, jobs, |(slot, mut job)| {
            let mut raw = Vec::new();
            let decoded = decode_segment(job.stream, &job.segment, &mut job.state, &mut raw);
            let bytes = job.stream.code().state_bytes(job.header.info.kind);
            (slot, job.header.info, job.state, bytes, decoded.map(|()| raw))
        });
        for (slot, info, state, bytes, result) in results {
            let result = match result {
                Ok(raw) => {
                    // It may prime others.
                    if info.primed_by.is_none() && !matches!(state, State::None) {
                        let (stream, segment) = (info.stream, info.number);
                        keys.put(Key { stream, segment, state, bytes });
                    }
                    Ok(raw)
                }
                Err(e) if is_refusal(&e) => return Err(e),
                Err(e) => Err(e.to_string()),
            };
            if let Some(entry) = out.get_mut(slot) {
                entry.1 = result;
            }
        }
        Ok(out)
    }

    /// Reads a segment if it may be decoded beside those before.
    fn next<'s>(
        &mut self,
        header: &SegmentHeader,
        at: u64,
        streams: &'s BTreeMap<u32, Result<Stream, String>>,
        keys: &mut Keys,
        held: u64,
        load: &mut Load,
    ) -> Result<Next<'s>, Error> {
        let info = header.info;
        let stream = match streams.get(&info.stream) {
            Some(Ok(stream)) => stream,
            Some(Err(why)) => return Ok(Next::Lost(why.clone())),
            None => {
                let why = format!("the definition of stream {} is lost", info.stream);
                return Ok(Next::Lost(why));
            }
        };
        if load.waits(&info) {
            return Ok(Next::Later);
        }
        let limits = self.options.limits;
        if let Some(n) = info.primed_by
            && keys.get(info.stream, n, limits.max_memory)?.is_none()
        {
            return Ok(Next::Lost(format!("it starts from segment {n}, which is lost")));
        }
        let block = BlockAt::open(&mut self.input, at)?;
        let need = stream.memory(info.kind, info.raw_len, block.payload_len());
        if !load.take(keys, &info, need, held)? {
            return Ok(Next::Later);
        }
        let Block::Segment(segment) = block.read(&limits)? else {
            return Ok(Next::Lost("the file changed while it was read".into()));
        };
        // Not before there is room for it: states are large. Its own key does not give way.
        let key = match info.primed_by {
            None => None,
            Some(n) => keys.get(info.stream, n, limits.max_memory)?.cloned(),
        };
        let state = start_state(stream, &segment, key);
        Ok(Next::Ready(Job { header: *header, segment, stream, state }))
    }
}

/// What becomes of the next segment.
enum Next<'a> {
    Ready(Job<'a>),
    /// It has to wait for those before it.
    Later,
    /// It cannot be had, and why.
    Lost(String),
}

/// Reads a definition within what is left of the memory.
fn read<R: Read + Seek>(input: &mut R, at: u64, budget: &Budget) -> Result<Block, Error> {
    budget.within(0, |left| BlockAt::open(input, at)?.read(left))
}

/// What is no damage.
fn is_refusal(e: &Error) -> bool {
    matches!(e, Error::Io(_) | Error::Format(FormatError::Io(_)))
        || matches!(
            e,
            Error::Format(FormatError::LimitExceeded { .. } | FormatError::UnsupportedVersion(_))
        )
}

/// Damage as `None`.
fn lost_or<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if is_refusal(&e) => Err(e),
        Err(_) => Ok(None),
    }
}

fn missing(gap: &LostContent) -> Loss {
    let LostContent { content, segment } = gap.clone();
    Loss { content, segment, why: "no intact segment holds them".into() }
}

/// What intact heads, headers and footers of a file claim beyond this is a lie, and must not make a file of any size.
const fn most_content(file_bytes: u64) -> u64 {
    file_bytes.saturating_mul(MAX_EXPANSION + EXPANSION_SLACK / 16)
}

/// What no intact segment of an archive holds, and whether its content's end is known. `claimed` sums the lost bytes of
/// a file, which may be `most`.
fn gaps(
    archive: &RecoveredArchive,
    most: u64,
    claimed: &mut u64,
) -> Result<(Vec<LostContent>, bool), Error> {
    let mut lost = archive.lost_content();
    let mut end_known = archive.content_end().is_some();
    let mut left = most.saturating_sub(*claimed);
    let reached = archive.segments.last().map_or(0, |(h, _)| h.info.raw_end());
    let mut kept = 0;
    for gap in &lost {
        let Some(rest) = left.checked_sub(gap.content.end - gap.content.start) else { break };
        (left, kept) = (rest, kept + 1);
    }
    // Of a large archive that is cut short, the tail may be more than the rest can hold; its length would be all zeros.
    if lost.get(kept).is_some_and(|gap| gap.content.start < reached) {
        let message = "segments lie further apart than the file can have held";
        return Err(Error::Corruption(message.into()));
    }
    end_known &= kept == lost.len();
    lost.truncate(kept);
    *claimed = most.saturating_sub(left);
    Ok((lost, end_known))
}

fn span(header: &SegmentHeader) -> Range<u64> {
    header.info.raw_offset..header.info.raw_end()
}
