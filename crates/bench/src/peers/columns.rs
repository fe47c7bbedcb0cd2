//! pco over the columns of a table.
//!
//! Layout of the coded bytes: for each field its coded length (u32, little endian) and a standalone pco file
//! of the column; then the tail that is no whole record. Columns of a width that pco has no number for (3, 5,
//! 6, 7 bytes) are stored. A column's numbers are transposed a few fields at a time, as a program that cares
//! for speed would do.

use half::f16;
use pco::ChunkConfig;
use pco::data_types::Number;
use pco::standalone::{simple_compress, simple_decompress};
use vxc::tokens::{Endian, Field, Kind, RecordLayout};

use super::PeerError;

/// A number that lies in `N` bytes.
trait Lane<const N: usize>: Number {
    fn load(bytes: [u8; N], endian: Endian) -> Self;
    fn store(self, endian: Endian) -> [u8; N];
}

macro_rules! lane {
    ($($t:ty: $n:literal),*) => {$(
        impl Lane<$n> for $t {
            #[inline]
            fn load(bytes: [u8; $n], endian: Endian) -> Self {
                match endian {
                    Endian::Little => Self::from_le_bytes(bytes),
                    Endian::Big => Self::from_be_bytes(bytes),
                }
            }

            #[inline]
            fn store(self, endian: Endian) -> [u8; $n] {
                match endian {
                    Endian::Little => self.to_le_bytes(),
                    Endian::Big => self.to_be_bytes(),
                }
            }
        }
    )*};
}

lane!(u8: 1, i8: 1, u16: 2, i16: 2, f16: 2, u32: 4, i32: 4, f32: 4, u64: 8, i64: 8, f64: 8);

/// Calls a function for the number type of a kind, or the last one for widths without any.
macro_rules! by_kind {
    ($kind:expr, $f:ident($($arg:expr),*), $other:expr) => {
        match $kind {
            Kind::F16 => $f::<2, f16>($($arg),*),
            Kind::F32 => $f::<4, f32>($($arg),*),
            Kind::F64 => $f::<8, f64>($($arg),*),
            Kind::I8 => $f::<1, i8>($($arg),*),
            Kind::I16 => $f::<2, i16>($($arg),*),
            Kind::I32 => $f::<4, i32>($($arg),*),
            Kind::I64 => $f::<8, i64>($($arg),*),
            Kind::U8 | Kind::Bytes(1) => $f::<1, u8>($($arg),*),
            Kind::Bf16 | Kind::U16 | Kind::Bytes(2) => $f::<2, u16>($($arg),*),
            Kind::U32 | Kind::Bytes(4) => $f::<4, u32>($($arg),*),
            Kind::U64 | Kind::Bytes(8) => $f::<8, u64>($($arg),*),
            Kind::Bytes(_) => $other,
        }
    };
}

pub(super) fn compress(
    raw: &[u8],
    layout: &RecordLayout,
    level: usize,
) -> Result<Vec<u8>, PeerError> {
    let config = ChunkConfig::default().with_compression_level(level).with_enable_8_bit(true);
    let whole = raw.len() / layout.record_bytes * layout.record_bytes;
    let (table, tail) = raw.split_at(whole);
    let mut out = Vec::new();
    for field in &layout.fields {
        let coded = by_kind!(
            field.kind,
            compress_column(table, layout.record_bytes, field, &config),
            Ok(stored_column(table, layout.record_bytes, field))
        )?;
        let len = u32::try_from(coded.len()).map_err(PeerError::new)?;
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&coded);
    }
    out.extend_from_slice(tail);
    Ok(out)
}

pub(super) fn decompress(
    coded: &[u8],
    layout: &RecordLayout,
    raw_len: usize,
) -> Result<Vec<u8>, PeerError> {
    let whole = raw_len / layout.record_bytes * layout.record_bytes;
    let mut raw = vec![0; raw_len];
    let (table, tail) = raw.split_at_mut(whole);
    let mut rest = coded;
    for field in &layout.fields {
        let (len, after) = rest.split_first_chunk().ok_or_else(PeerError::short)?;
        let len = u32::from_le_bytes(*len) as usize;
        let (column, after) = after.split_at_checked(len).ok_or_else(PeerError::short)?;
        rest = after;
        by_kind!(
            field.kind,
            decompress_column(column, table, layout.record_bytes, field),
            restore_column(column, table, layout.record_bytes, field)
        )?;
    }
    if rest.len() != tail.len() {
        return Err(PeerError::short());
    }
    tail.copy_from_slice(rest);
    Ok(raw)
}

fn compress_column<const N: usize, T: Lane<N>>(
    table: &[u8],
    record: usize,
    field: &Field,
    config: &ChunkConfig,
) -> Result<Vec<u8>, PeerError> {
    let mut numbers = Vec::with_capacity(table.len() / record);
    for r in table.chunks_exact(record) {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&r[field.offset..field.offset + N]);
        numbers.push(T::load(bytes, field.endian));
    }
    simple_compress(&numbers, config).map_err(PeerError::new)
}

fn decompress_column<const N: usize, T: Lane<N>>(
    column: &[u8],
    table: &mut [u8],
    record: usize,
    field: &Field,
) -> Result<(), PeerError> {
    let numbers: Vec<T> = simple_decompress(column).map_err(PeerError::new)?;
    if numbers.len() != table.len() / record {
        return Err(PeerError::short());
    }
    for (r, x) in table.chunks_exact_mut(record).zip(numbers) {
        r[field.offset..field.offset + N].copy_from_slice(&x.store(field.endian));
    }
    Ok(())
}

fn stored_column(table: &[u8], record: usize, field: &Field) -> Vec<u8> {
    let at = field.offset..field.offset + field.kind.bytes();
    table.chunks_exact(record).flat_map(|r| &r[at.clone()]).copied().collect()
}

fn restore_column(
    column: &[u8],
    table: &mut [u8],
    record: usize,
    field: &Field,
) -> Result<(), PeerError> {
    let width = field.kind.bytes();
    if column.len() != table.len() / record * width {
        return Err(PeerError::short());
    }
    for (r, x) in table.chunks_exact_mut(record).zip(column.chunks_exact(width)) {
        r[field.offset..field.offset + width].copy_from_slice(x);
    }
    Ok(())
}
