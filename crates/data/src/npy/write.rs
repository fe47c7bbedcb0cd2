//! Headers of `.npy` files, and elements in NumPy's words: the inverse of `descr` and [`header`](mod@super::header).

use super::{SIGNATURE, descr, literal};
use crate::dtype::{Dtype, DtypeKind, is_bool};
use crate::error::DataError;
use crate::limits::Limits;
use std::fmt::Write as _;
use std::io::Write;
use vxc_tokens::layout::{Endian, Kind};
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

/// Where values start is a multiple of this.
const ALIGNMENT: usize = 64;

/// A dtype as NumPy describes it, such as `[('pt', '<f4'), ('', '|V4')]`. What NumPy has no word for is opaque there: bfloat16,
/// texts other than strings of bytes, overlapping members; names of enumerations are left out.
pub fn descr_text(dtype: &Dtype) -> String {
    match &dtype.kind {
        DtypeKind::Compound(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|member| member.offset);
            let (mut out, mut end) = (String::from("["), 0usize);
            for member in members {
                let Some(gap) = member.offset.checked_sub(end) else { return opaque(dtype.bytes) };
                padding(&mut out, gap);
                let (base, shape) = match &member.dtype.kind {
                    DtypeKind::Array { base, shape } => (descr_text(base), shape_text(shape)),
                    _ => (descr_text(&member.dtype), String::new()),
                };
                let shape = if shape.is_empty() { shape } else { format!(", {shape}") };
                let _ = write!(out, "({}, {base}{shape}), ", quoted(&member.name));
                end = member.offset.saturating_add(member.dtype.bytes);
            }
            let Some(gap) = dtype.bytes.checked_sub(end) else { return opaque(dtype.bytes) };
            padding(&mut out, gap);
            out.truncate(out.trim_end_matches([',', ' ']).len());
            out.push(']');
            out
        }
        DtypeKind::Array { base, shape } => {
            format!("({}, {})", descr_text(base), shape_text(shape))
        }
        DtypeKind::Enum { names, base } if is_bool(names) && base.bytes == 1 => "'|b1'".into(),
        DtypeKind::Enum { base, .. } => descr_text(base),
        DtypeKind::Bytes("string") => format!("'|S{}'", dtype.bytes),
        DtypeKind::Bytes(_) => opaque(dtype.bytes),
        DtypeKind::Number(kind, endian) => {
            let code = match kind {
                Kind::F16 | Kind::F32 | Kind::F64 => 'f',
                Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 => 'i',
                Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 => 'u',
                Kind::Bf16 | Kind::Bytes(_) => return opaque(dtype.bytes),
            };
            let order = match endian {
                _ if dtype.bytes == 1 => '|',
                Endian::Little => '<',
                Endian::Big => '>',
            };
            format!("'{order}{code}{}'", dtype.bytes)
        }
    }
}

/// The inverse of [`descr_text`], for any description of NumPy's.
///
/// # Errors
/// [`DataError::Corruption`], [`DataError::Unsupported`].
pub fn dtype_of(text: &str) -> Result<Dtype, DataError> {
    let depth = Limits::default().depth();
    descr::dtype(&literal::parse(text, depth)?, depth)
}

fn opaque(bytes: usize) -> String {
    format!("'|V{bytes}'")
}

fn padding(out: &mut String, gap: usize) {
    if gap > 0 {
        let _ = write!(out, "('', {}), ", opaque(gap));
    }
}

fn shape_text(shape: &[u64]) -> String {
    let dims: Vec<String> = shape.iter().map(u64::to_string).collect();
    let comma = if dims.len() == 1 { "," } else { "" };
    format!("({}{comma})", dims.join(", "))
}

fn quoted(name: &str) -> String {
    let mut out = String::from("'");
    for c in name.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// Everything before the values of a `.npy` file. `shape` is that of the array; with `fortran_order` its first dimension
/// runs fastest in the file.
///
/// # Errors
/// [`DataError::LimitExceeded`] for a description of 4 GiB.
pub fn header(dtype: &Dtype, shape: &[u64], fortran_order: bool) -> Result<Vec<u8>, DataError> {
    let order = if fortran_order { "True" } else { "False" };
    let text = format!(
        "{{'descr': {}, 'fortran_order': {order}, 'shape': {}, }}",
        descr_text(dtype),
        shape_text(shape)
    );
    // Versions 1 and 2 are Latin-1, of which ASCII is what both agree on.
    let long = text.len() > usize::from(u16::MAX).saturating_sub(ALIGNMENT);
    let version = if !text.is_ascii() {
        3
    } else if long {
        2u8
    } else {
        1
    };
    let before = if version == 1 { 10usize } else { 12 };
    let total = before.saturating_add(text.len()).saturating_add(1);
    let total = total.next_multiple_of(ALIGNMENT);
    let length = total.saturating_sub(before);
    let mut out = SIGNATURE.to_vec();
    out.extend([version, 0]);
    if version == 1 {
        out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
    } else {
        let limit = u64::from(u32::MAX);
        let wide = u32::try_from(length).map_err(|_| DataError::LimitExceeded {
            what: "header",
            needed: u64::try_from(length).unwrap_or(u64::MAX),
            limit,
        })?;
        out.extend(wide.to_le_bytes());
    }
    out.extend_from_slice(text.as_bytes());
    out.resize(total.saturating_sub(1), b' ');
    out.push(b'\n');
    Ok(out)
}

/// Writes an archive, member by member; members are stored as they are.
#[derive(Debug)]
pub struct NpzWriter<W: Write> {
    zip: ZipWriter<StreamWriter<W>>,
}

impl<W: Write> NpzWriter<W> {
    /// An archive on `inner`, which need not seek.
    pub fn new(inner: W) -> Self {
        Self { zip: ZipWriter::new_stream(inner) }
    }

    /// Starts the array `name` with its [`header`]; its values are to be written to what this gives.
    ///
    /// # Errors
    /// [`DataError::Io`]; [`DataError::InvalidArgument`] for a name that is there already.
    pub fn array(&mut self, name: &str, header: &[u8]) -> Result<&mut dyn Write, DataError> {
        // Sizes are not known yet, so they are written in their long form. No time: the same content is the same file.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(true);
        let started = self.zip.start_file(format!("{name}.npy"), options);
        started.map_err(translate)?;
        self.zip.write_all(header)?;
        Ok(&mut self.zip)
    }

    /// Completes the archive.
    ///
    /// # Errors
    /// [`DataError::Io`].
    pub fn finish(self) -> Result<W, DataError> {
        Ok(self.zip.finish().map_err(translate)?.into_inner())
    }
}

fn translate(error: ZipError) -> DataError {
    match error {
        ZipError::Io(error) => DataError::Io(error),
        other => DataError::argument(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::Member;
    use crate::npy::{NpyHeader, NpzArchive};

    fn number(kind: Kind, endian: Endian) -> Dtype {
        Dtype { bytes: kind.bytes(), kind: DtypeKind::Number(kind, endian) }
    }

    #[test]
    fn descriptions_come_back() {
        let f4 = number(Kind::F32, Endian::Little);
        let array = Dtype {
            bytes: 12,
            kind: DtypeKind::Array { base: Box::new(f4.clone()), shape: vec![3] },
        };
        let member = |name: &str, offset, dtype: &Dtype| Member {
            name: name.into(),
            offset,
            dtype: dtype.clone(),
        };
        let compound = Dtype {
            bytes: 40,
            kind: DtypeKind::Compound(vec![
                member("p'\\\n\u{e9}\u{3b7}", 0, &f4),
                member("v", 8, &array),
                member("n", 20, &number(Kind::I64, Endian::Big)),
                member("s", 29, &Dtype { bytes: 7, kind: DtypeKind::Bytes("string") }),
            ]),
        };
        for dtype in [f4, array, compound] {
            let text = descr_text(&dtype);
            assert_eq!(dtype_of(&text).unwrap(), dtype, "{text}");
            for (shape, fortran) in [(vec![], false), (vec![7], false), (vec![2, 3], true)] {
                let bytes = header(&dtype, &shape, fortran).unwrap();
                assert_eq!(bytes.len() % 64, 0);
                let read = NpyHeader::read(&mut &bytes[..], &Limits::default()).unwrap();
                assert_eq!(
                    (read.dtype, read.shape, read.fortran_order),
                    (dtype.clone(), shape, fortran)
                );
                assert_eq!(read.data_offset, bytes.len() as u64);
            }
        }
    }

    #[test]
    fn archives() {
        let f4 = number(Kind::F32, Endian::Big);
        let mut npz = NpzWriter::new(Vec::new());
        for name in ["a", "b/c"] {
            let out = npz.array(name, &header(&f4, &[2], false).unwrap()).unwrap();
            out.write_all(b"8 bytes!").unwrap();
        }
        assert!(npz.array("a", b"").is_err());
        let bytes = npz.finish().unwrap();
        let mut read = NpzArchive::open(std::io::Cursor::new(bytes)).unwrap();
        let names: Vec<String> = read.members().unwrap().into_iter().map(|m| m.name).collect();
        assert_eq!(names[..2], ["a", "b/c"]);
        for at in 0..2 {
            let mut array = read.array(at).unwrap();
            assert_eq!(array.header().dtype, f4);
            assert_eq!(array.next().unwrap().unwrap().bytes, b"8 bytes!");
        }
    }

    #[test]
    fn long_headers() {
        let f4 = number(Kind::F32, Endian::Little);
        let members = (0..5000usize).map(|i| Member {
            name: format!("a_long_name_{i}"),
            offset: 4 * i,
            dtype: f4.clone(),
        });
        let dtype = Dtype { bytes: 20_000, kind: DtypeKind::Compound(members.collect()) };
        let bytes = header(&dtype, &[1], false).unwrap();
        assert_eq!(bytes[6], 2);
        let read = NpyHeader::read(&mut &bytes[..], &Limits::default()).unwrap();
        assert_eq!(read.dtype, dtype);
    }
}
