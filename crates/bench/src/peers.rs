//! The compressors that Vortex-Codec competes with, as libraries in this process, one thread each.
//!
//! What their coded bytes contain is what a user would have to keep: the format of each with its own headers
//! and checksums, plus the few bytes that put columns or transposed bytes back in their place. Tables lie
//! row by row, so the cost of transposing counts as the peer's.

mod columns;
mod general;
mod transpose;

use vxc::tokens::{Kind, RecordLayout};

/// Why a peer failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PeerError(String);

impl PeerError {
    fn new(e: impl std::fmt::Display) -> Self {
        Self(e.to_string())
    }

    fn short() -> Self {
        Self("coded bytes end too early".into())
    }
}

/// A compressor with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// gzip (zlib) at a level, 1..=9.
    Gzip(u32),
    /// zlib at a level, 1..=9.
    Zlib(u32),
    /// brotli at a quality, 0..=11, with its largest usual window.
    Brotli(u32),
    /// LZ4 frames, the fast kind.
    Lz4,
    /// bzip2 at a level, 1..=9.
    Bzip2(u32),
    /// zstd at a level, 1..=22.
    Zstd(i32),
    /// xz at preset 9.
    Xz {
        /// As `xz -9e`.
        extreme: bool,
        /// `lc=0,lp=2,pb=2`: for data aligned to 4 bytes.
        aligned: bool,
    },
    /// Bytes of equal place in a unit of this many bytes put together, then another peer: blosc's shuffle
    /// (unit = width of a number), or a transposed record.
    Transposed(usize, Box<Peer>),
    /// pco over the input as one array of a kind.
    PcoFlat(usize, Kind),
    /// pco at a level over each column by itself.
    PcoColumns(usize, RecordLayout),
}

impl Peer {
    /// Its name in reports.
    pub fn name(&self) -> String {
        match self {
            Self::Gzip(level) => format!("gzip -{level}"),
            Self::Zlib(level) => format!("zlib -{level}"),
            Self::Brotli(quality) => format!("brotli -{quality}"),
            Self::Lz4 => "lz4".into(),
            Self::Bzip2(level) => format!("bzip2 -{level}"),
            Self::Zstd(level) => format!("zstd -{level}"),
            Self::Xz { extreme, aligned } => {
                let e = if *extreme { "e" } else { "" };
                let a = if *aligned { " lc=0,lp=2,pb=2" } else { "" };
                format!("xz -9{e}{a}")
            }
            Self::Transposed(unit, inner) => format!("shuffle {unit} + {}", inner.name()),
            Self::PcoFlat(level, _) => format!("pco {level} flat"),
            Self::PcoColumns(level, _) => format!("pco {level} per column"),
        }
    }

    /// The peers of the demonstration.
    pub fn common(layout: Option<&RecordLayout>) -> Vec<Self> {
        let mut out =
            vec![Self::Gzip(9), Self::Zstd(19), Self::Xz { extreme: false, aligned: false }];
        if let Some(layout) = layout {
            out.push(Self::PcoColumns(8, layout.clone()));
            out.push(Self::PcoColumns(12, layout.clone()));
        }
        out
    }

    /// All peers that apply to bytes of this layout (none: not a table).
    pub fn all(layout: Option<&RecordLayout>) -> Vec<Self> {
        let mut out = vec![
            Self::Gzip(6),
            Self::Gzip(9),
            Self::Zlib(6),
            Self::Brotli(11),
            Self::Lz4,
            Self::Bzip2(9),
            Self::Zstd(3),
            Self::Zstd(19),
            Self::Xz { extreme: false, aligned: false },
            Self::Xz { extreme: true, aligned: false },
        ];
        let Some(layout) = layout else { return out };
        let kind = flat_kind(layout);
        let xz = Box::new(Self::Xz { extreme: true, aligned: false });
        out.push(Self::Xz { extreme: false, aligned: true });
        out.push(Self::Transposed(kind.bytes(), Box::new(Self::Zstd(9))));
        if layout.record_bytes != kind.bytes() {
            out.push(Self::Transposed(layout.record_bytes, Box::new(Self::Zstd(19))));
        }
        out.push(Self::Transposed(layout.record_bytes, xz));
        out.push(Self::PcoFlat(8, kind));
        out.push(Self::PcoColumns(8, layout.clone()));
        out.push(Self::PcoColumns(12, layout.clone()));
        out
    }

    /// Compresses.
    ///
    /// # Errors
    /// Whatever the library says; arguments out of its range.
    pub fn compress(&self, raw: &[u8]) -> Result<Vec<u8>, PeerError> {
        match self {
            Self::Gzip(level) => general::gzip(raw, *level),
            Self::Zlib(level) => general::zlib(raw, *level),
            Self::Brotli(quality) => general::brotli(raw, *quality),
            Self::Lz4 => general::lz4(raw),
            Self::Bzip2(level) => general::bzip2(raw, *level),
            Self::Zstd(level) => zstd::bulk::compress(raw, *level).map_err(PeerError::new),
            Self::Xz { extreme, aligned } => general::xz(raw, *extreme, *aligned),
            Self::Transposed(unit, inner) => inner.compress(&transpose::gather(raw, *unit)),
            Self::PcoFlat(level, kind) => columns::compress(raw, &flat(*kind)?, *level),
            Self::PcoColumns(level, layout) => columns::compress(raw, layout, *level),
        }
    }

    /// Decompresses what [`Peer::compress`] made of `raw_len` bytes.
    ///
    /// # Errors
    /// Whatever the library says, or a length other than `raw_len`.
    pub fn decompress(&self, coded: &[u8], raw_len: usize) -> Result<Vec<u8>, PeerError> {
        let raw = match self {
            Self::Gzip(_) => general::gunzip(coded, raw_len)?,
            Self::Zlib(_) => general::unzlib(coded, raw_len)?,
            Self::Brotli(_) => general::unbrotli(coded, raw_len)?,
            Self::Lz4 => general::unlz4(coded, raw_len)?,
            Self::Bzip2(_) => general::unbzip2(coded, raw_len)?,
            Self::Zstd(_) => zstd::bulk::decompress(coded, raw_len).map_err(PeerError::new)?,
            Self::Xz { .. } => general::unxz(coded, raw_len)?,
            Self::Transposed(unit, inner) => {
                transpose::scatter(&inner.decompress(coded, raw_len)?, *unit)
            }
            Self::PcoFlat(_, kind) => columns::decompress(coded, &flat(*kind)?, raw_len)?,
            Self::PcoColumns(_, layout) => columns::decompress(coded, layout, raw_len)?,
        };
        if raw.len() == raw_len {
            Ok(raw)
        } else {
            Err(PeerError(format!("{} bytes instead of {raw_len}", raw.len())))
        }
    }
}

/// One number as a record.
fn flat(kind: Kind) -> Result<RecordLayout, PeerError> {
    RecordLayout::array(kind, vxc::tokens::Endian::Little, 1).map_err(PeerError::new)
}

/// The number that takes most bytes of a record; f32 where nothing stands out.
fn flat_kind(layout: &RecordLayout) -> Kind {
    let mut best = (Kind::F32, 0);
    for f in &layout.fields {
        let bytes: usize =
            layout.fields.iter().filter(|g| g.kind == f.kind).map(|g| g.kind.bytes()).sum();
        if bytes > best.1 && !matches!(f.kind, Kind::Bytes(_)) {
            best = (f.kind, bytes);
        }
    }
    best.0
}
