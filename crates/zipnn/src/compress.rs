//! Files to archives.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};

use rayon::prelude::*;
use vxc_format::content::crc32c;
use xxhash_rust::xxh3::xxh3_128;

use crate::archive::MAX_MEMORY;
use crate::block::{self, Effort, Kind, MAX_BLOCK};
use crate::error::WeightsError;
use crate::index::{Coded, Extent, Footer, Index, MAGIC, Source};
use crate::plan::{Format, Piece, Plan};

/// Pieces of bytes up to this length go into one block with all others of their kind …
const GATHER: u64 = 64 << 10;
/// … of at most this length.
const MAX_GATHERED: u64 = 8 << 20;
/// Blocks from this length on are looked for among earlier ones.
const MIN_SAME: usize = 256;

/// How hard to try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// 1: exponents alone; decodes fastest.
    Fast,
    /// 2: leading bits of mantissas in the context of exponents, too.
    #[default]
    Normal,
    /// 3: rows and columns, by context mixing; for archives.
    Best,
}

impl Level {
    /// The level of a number, 1 to 3.
    pub fn new(number: u8) -> Option<Self> {
        [Self::Fast, Self::Normal, Self::Best].get(usize::from(number).checked_sub(1)?).copied()
    }

    fn effort(self) -> Effort {
        match self {
            Self::Fast => Effort::Planes,
            Self::Normal => Effort::Joint,
            Self::Best => Effort::Mixed,
        }
    }

    /// Raw bytes of a block.
    fn block_bytes(self) -> u64 {
        match self {
            Self::Fast => 1 << 20,
            Self::Normal => 4 << 20,
            Self::Best => MAX_BLOCK,
        }
    }
}

/// How to compress. The archive depends on the level alone.
#[derive(Clone, Debug)]
pub struct Options {
    /// Level.
    pub level: Level,
    /// Threads; 0 = one for each processor.
    pub threads: usize,
    /// Decode each block and compare before it is written.
    pub verify: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: Level::default(), threads: 0, verify: true }
    }
}

/// What was compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Bytes of the file.
    pub raw_len: u64,
    /// Bytes of the archive.
    pub coded_len: u64,
    /// What the file is.
    pub format: Format,
    /// Tensors found.
    pub tensors: usize,
}

/// A stretch of a piece, before it is coded.
struct Block {
    start: u64,
    raw: Vec<u8>,
    kind: Kind,
    /// The extent that holds the same bytes.
    same: Option<usize>,
}

/// Compresses a file. `progress` is told how many bytes are done after each batch of blocks.
///
/// # Errors
/// I/O; [`WeightsError::Verify`] if a block does not come back.
pub fn compress<R: Read + Seek, W: Write>(
    input: &mut R,
    mut output: W,
    options: &Options,
    mut progress: impl FnMut(u64),
) -> Result<Summary, WeightsError> {
    let plan = Plan::of(input)?;
    let pool = pool(options.threads)?;
    let mut writer = Writer { output: &mut output, at: 0, index: Index::default() };
    writer.put(&MAGIC)?;
    let gathered = gather(input, &plan.pieces)?;
    if !gathered.is_empty() {
        let kind = Kind { element: None, row: 0, inner: 0 };
        let coded = coded(&gathered, 0, kind, options)?;
        let coded = writer.block(&coded)?;
        writer.index.gathered = Some((gathered.len() as u64, coded));
    }
    let mut hasher = blake3::Hasher::new();
    let mut earlier = Earlier::default();
    let mut from_gathered = 0;
    let mut stretches = stretches(&plan.pieces, options.level.block_bytes()).peekable();
    // A batch keeps every thread busy with at least one block, and its blocks together are not much larger.
    let batch_bytes = options.level.block_bytes() * pool.current_num_threads() as u64;
    while let Some(next) = stretches.next() {
        if let Stretch::Gathered(start, len) = next {
            let bytes = slice(&gathered, from_gathered, len)?;
            hasher.update(bytes);
            writer.extent(start, len, writer.at, Source::Gathered(from_gathered));
            from_gathered += len;
            continue;
        }
        let (mut batch, mut bytes, mut next) = (Vec::new(), 0, Some(next));
        while let Some(Stretch::Own(start, len, kind)) = next {
            let mut raw = vec![0; len as usize];
            input.seek(SeekFrom::Start(start))?;
            input.read_exact(&mut raw)?;
            bytes += len;
            let same =
                earlier.find(&raw, start, writer.index.extents.len() + batch.len(), input)?;
            batch.push(Block { start, raw, kind, same });
            let more = bytes < batch_bytes && matches!(stretches.peek(), Some(Stretch::Own(..)));
            next = if more { stretches.next() } else { None };
        }
        let work = |block: &Block| match block.same {
            Some(_) => Ok(Vec::new()),
            None => coded(&block.raw, block.start, block.kind, options),
        };
        let done: Vec<_> =
            pool.install(|| batch.par_iter().map(work).collect::<Result<_, WeightsError>>())?;
        for (block, coded) in batch.iter().zip(done) {
            hasher.update(&block.raw);
            let at = writer.at;
            let source = match block.same {
                Some(which) => Source::Same(which),
                None => Source::Block(writer.block(&coded)?.len),
            };
            writer.extent(block.start, block.raw.len() as u64, at, source);
        }
        progress(hasher.count());
    }
    let len = hasher.count();
    let index = writer.index.write();
    writer.put(&index)?;
    let footer = Footer {
        index_len: index.len() as u64,
        index_crc: crc32c(&index),
        len,
        blake3: *hasher.finalize().as_bytes(),
    };
    writer.put(&footer.write())?;
    let coded_len = writer.at;
    output.flush()?;
    Ok(Summary { raw_len: len, coded_len, format: plan.format, tensors: plan.tensors.len() })
}

/// A pool of threads.
///
/// # Errors
/// I/O: threads that the system does not give.
pub(crate) fn pool(threads: usize) -> Result<rayon::ThreadPool, WeightsError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|e| WeightsError::Io(std::io::Error::other(e)))
}

fn coded(raw: &[u8], start: u64, kind: Kind, options: &Options) -> Result<Vec<u8>, WeightsError> {
    let coded = block::encode(raw, kind, options.level.effort());
    if options.verify {
        let mut back = vec![0; raw.len()];
        if block::decode(&coded, &mut back, MAX_MEMORY).is_err() || back != raw {
            return Err(WeightsError::Verify(start));
        }
    }
    Ok(coded)
}

fn is_gathered(piece: &Piece) -> bool {
    piece.element.is_none() && piece.len <= GATHER
}

/// The small pieces of bytes, as many as one block takes.
fn gather<R: Read + Seek>(input: &mut R, pieces: &[Piece]) -> Result<Vec<u8>, WeightsError> {
    let mut out = Vec::new();
    for piece in gathered(pieces) {
        input.seek(SeekFrom::Start(piece.start))?;
        let n = input.by_ref().take(piece.len).read_to_end(&mut out)?;
        if n as u64 != piece.len {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
    }
    Ok(out)
}

/// The pieces that go into the gathered block: the first of their kind, until it is full.
fn gathered(pieces: &[Piece]) -> impl Iterator<Item = &Piece> {
    let mut room = MAX_GATHERED;
    pieces.iter().filter(|p| is_gathered(p)).take_while(move |p| {
        let fits = p.len <= room;
        room = room.saturating_sub(p.len);
        fits
    })
}

/// A range to code.
enum Stretch {
    /// Start, length: next in the gathered block.
    Gathered(u64, u64),
    /// Start, length: a block of its own.
    Own(u64, u64, Kind),
}

/// Cuts pieces into blocks, at rows where they are short.
fn stretches(pieces: &[Piece], block: u64) -> impl Iterator<Item = Stretch> {
    let last_gathered = gathered(pieces).last().map_or(0, |p| p.start + 1);
    pieces.iter().flat_map(move |piece| {
        let whole = is_gathered(piece) && piece.start < last_gathered;
        let width = piece.element.map_or(1, |e| e.bytes() as u64);
        let row = piece.row.saturating_mul(width);
        let unit = if row > 0 && row <= block / 8 { row } else { width };
        let step = if whole { piece.len } else { block / unit * unit };
        let kind = Kind { element: piece.element, row: piece.row, inner: piece.inner };
        (0..piece.len.div_ceil(step.max(1))).map(move |i| {
            let (start, len) = (piece.start + i * step, step.min(piece.len - i * step));
            if whole { Stretch::Gathered(start, len) } else { Stretch::Own(start, len, kind) }
        })
    })
}

fn slice(bytes: &[u8], from: u64, len: u64) -> Result<&[u8], WeightsError> {
    let range = from as usize..(from + len) as usize;
    bytes.get(range).ok_or_else(|| WeightsError::corrupt("gathered bytes end too early"))
}

struct Writer<'a, W> {
    output: &'a mut W,
    at: u64,
    index: Index,
}

impl<W: Write> Writer<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        self.output.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn block(&mut self, coded: &[u8]) -> Result<Coded, WeightsError> {
        let place = Coded { at: self.at, len: coded.len() as u64 };
        self.put(coded)?;
        self.put(&crc32c(coded).to_le_bytes())?;
        Ok(place)
    }

    fn extent(&mut self, start: u64, len: u64, at: u64, source: Source) {
        self.index.extents.push(Extent { start, len, at, source });
    }
}

/// Blocks that were seen: by hash, which extent they are and where in the file.
#[derive(Default)]
struct Earlier {
    blocks: BTreeMap<u128, (usize, u64, u64)>,
    buffer: Vec<u8>,
}

impl Earlier {
    /// The extent of a block with just these bytes, if there was one; else these are remembered as extent `number`.
    /// Hashes alone are not trusted: the bytes are read again and compared.
    fn find<R: Read + Seek>(
        &mut self,
        raw: &[u8],
        start: u64,
        number: usize,
        input: &mut R,
    ) -> Result<Option<usize>, WeightsError> {
        let len = raw.len() as u64;
        let first = *self.blocks.entry(xxh3_128(raw)).or_insert((number, start, len));
        let (which, at, its_len) = first;
        if which == number || its_len != len || raw.len() < MIN_SAME {
            return Ok(None);
        }
        self.buffer.resize(raw.len(), 0);
        input.seek(SeekFrom::Start(at))?;
        input.read_exact(&mut self.buffer)?;
        Ok((self.buffer == raw).then_some(which))
    }
}
