//! What is left of a damaged archive: every segment that is intact comes out at its place in the content, and every
//! range that does not is named with the reason.
//!
//! Two kinds of segment are lost: those whose own bytes are damaged, and intact ones whose definition, model or key
//! segment is. Content that is given out has passed the checksum of its segment.

mod gaps;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use vxc_format::recover::{LostContent, RecoveredArchive, Recovery, recover};
use vxc_format::{Block, BlockAt, FormatError, Header, Segment, SegmentHeader};

use crate::PROFILE;
use crate::admission::{Key, Keys, Load};
use crate::budget::Budget;
use crate::decoder::{decode_segment, start_state};
use crate::error::Error;
use crate::model::Model;
use crate::options::DecompressOptions;
use crate::parallel::in_parallel;
use crate::segment_code::State;
use crate::stream::Stream;
use crate::streams::Streams;
use gaps::{gaps, most_content};

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
struct Job {
    header: SegmentHeader,
    segment: Segment,
    stream: Arc<Stream>,
    state: State,
}

/// What decodes an archive's segments.
struct Codes {
    header: Header,
    models: Vec<Arc<Model>>,
    /// Where definitions are, by id; why not, where a stream cannot be opened.
    definitions: BTreeMap<u32, Result<u64, String>>,
    streams: Streams<u32>,
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
            let Block::Model(embedded) = read(&mut self.input, *at, &budget, 0)? else { continue };
            models.extend(lost_or(budget.load_model(&embedded, 0))?);
        }
        let (definitions, streams) = (BTreeMap::new(), Streams::new());
        let mut codes =
            Codes { header, models, definitions, streams, keys: Keys::default(), budget };
        let mut missing = None;
        for &(id, at) in &archive.streams {
            let found = match self.open_stream(&mut codes, id, at, &[], 0) {
                Ok(stream) => {
                    codes.streams.insert(id, stream, 0)?;
                    Ok(at)
                }
                Err(e) if is_refusal(&e) => return Err(e),
                Err(e) => {
                    let why = e.to_string();
                    missing = missing.or(matches!(e, Error::ModelMissing { .. }).then_some(e));
                    Err(why)
                }
            };
            codes.definitions.insert(id, found);
        }
        // Forgotten, or lost with the archive: whoever has it can give it.
        match missing {
            Some(e) if codes.definitions.values().all(Result::is_err) => return Err(e),
            _ => {}
        }
        Ok(codes)
    }

    /// Opens a stream whose definition is at a place; those that are not in use are closed where there is no room beside
    /// them and so many bytes of others.
    fn open_stream(
        &mut self,
        codes: &mut Codes,
        id: u32,
        at: u64,
        in_use: &[u32],
        beside: u64,
    ) -> Result<Stream, Error> {
        loop {
            let Codes { header, models, streams, keys, budget, .. } = codes;
            let beside = keys.bytes().saturating_add(beside);
            let opened = match read(&mut self.input, at, budget, beside) {
                Ok(Block::Stream(def)) => budget.open_stream(&def, models, header, beside),
                Ok(_) => Err(Error::Corruption("the file changed while it was read".into())),
                Err(e) => Err(e),
            };
            match opened {
                Err(e) if e.is_limit() && streams.close(budget, |id| in_use.contains(&id)) => {}
                Err(e) if e.is_limit() && in_use.is_empty() && keys.give_way(Some(id)) => {}
                opened => return opened,
            }
        }
    }

    /// Decodes segments that do not wait for each other.
    fn batch<'a>(
        &mut self,
        codes: &mut Codes,
        segments: &mut std::iter::Peekable<impl Iterator<Item = &'a (SegmentHeader, u64)>>,
    ) -> Result<Vec<Decoded>, Error> {
        let mut out: Vec<Decoded> = Vec::new();
        let mut jobs: Vec<(usize, Job)> = Vec::new();
        let mut load = Load::new(&self.options);
        while let Some((header, at)) = segments.peek().filter(|_| out.len() < MOST_AT_ONCE) {
            let in_use: Vec<u32> = jobs.iter().map(|(_, j)| j.header.info.stream).collect();
            let next = match self.next(header, *at, codes, &in_use, &mut load) {
                // What comes before is given out first.
                Err(_) if !jobs.is_empty() => break,
                next => next?,
            };
            match next {
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
            let decoded = decode_segment(&job.stream, &job.segment, &mut job.state, &mut raw);
            let bytes = job.stream.code().state_bytes(job.header.info.kind);
            (slot, job.header.info, job.state, bytes, decoded.map(|()| raw))
        });
        for (slot, info, state, bytes, result) in results {
            let result = match result {
                Ok(raw) => {
                    // It may prime others.
                    if info.primed_by.is_none() && !matches!(state, State::None) {
                        let (stream, segment, state) = (info.stream, info.number, Some(state));
                        codes.keys.put(Key { stream, segment, state, bytes });
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

    /// Reads a segment if it may be decoded beside those before, which use the streams that are named.
    fn next(
        &mut self,
        header: &SegmentHeader,
        at: u64,
        codes: &mut Codes,
        in_use: &[u32],
        load: &mut Load,
    ) -> Result<Next, Error> {
        let info = header.info;
        let definition = match codes.definitions.get(&info.stream) {
            Some(Ok(at)) => *at,
            Some(Err(why)) => return Ok(Next::Lost(why.clone())),
            None => {
                let why = format!("the definition of stream {} is lost", info.stream);
                return Ok(Next::Lost(why));
            }
        };
        if load.is_full() || load.waits(&info) {
            return Ok(Next::Later);
        }
        let limits = self.options.limits;
        if let Some(n) = info.primed_by
            && codes.keys.get(info.stream, n, limits.max_memory)?.is_none()
        {
            return Ok(Next::Lost(format!("it starts from segment {n}, which is lost")));
        }
        if codes.streams.get(info.stream).is_none() {
            let coded_len = BlockAt::open(&mut self.input, at)?.payload_len();
            match self.open_stream(codes, info.stream, definition, in_use, load.bytes()) {
                Err(e) if e.is_limit() && !in_use.is_empty() => return Ok(Next::Later),
                opened => codes.streams.insert(info.stream, opened?, coded_len)?,
            }
        }
        let Codes { streams, keys, budget, .. } = codes;
        let Some(stream) = streams.get(info.stream).cloned() else {
            return Ok(Next::Lost("its stream is not open".into()));
        };
        let block = BlockAt::open(&mut self.input, at)?;
        let need = stream.memory(info.kind, info.raw_len, block.payload_len());
        let all = [budget.held(), keys.bytes(), load.bytes(), need];
        if in_use.is_empty() && all.into_iter().fold(0, u64::saturating_add) > limits.max_memory {
            streams.close(budget, |id| id == info.stream);
        }
        if !load.take(keys, &info, need, budget.held())? {
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
        let state = start_state(&stream, &segment, key);
        Ok(Next::Ready(Job { header: *header, segment, stream, state }))
    }
}

/// Segments of which is said together what becomes of them: those that are lost need no memory of their own.
const MOST_AT_ONCE: usize = 1024;

/// What becomes of the next segment.
enum Next {
    Ready(Job),
    /// It has to wait for those before it.
    Later,
    /// It cannot be had, and why.
    Lost(String),
}

/// Reads a definition within what is left of the memory beside so many bytes.
fn read<R: Read + Seek>(
    input: &mut R,
    at: u64,
    budget: &Budget,
    beside: u64,
) -> Result<Block, Error> {
    budget.within(beside, |left| BlockAt::open(input, at)?.read(left))
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

fn span(header: &SegmentHeader) -> Range<u64> {
    header.info.raw_offset..header.info.raw_end()
}
