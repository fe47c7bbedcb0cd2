//! `TBasket`: a stretch of a branch's entries, as it lies in the file.
//!
//! ```text
//! on disk  := TKey · fields · payload            the key's length covers the fields
//! embedded := TKey · fields · [offsets] · [displacements] · bytes     in its branch, uncompressed
//! fields   := version u16 · buffer i32 · entry size i32 · [I/O bits u8] · entries i32 · last i32 · flag u8
//! content  := values · [number of offsets i32 · offset i32 *]
//! ```
//! `last` is where the values end, and every offset where an entry starts; both count from the start of
//! the key. A negative entry size means that I/O bits follow. Invariants of [`Basket`]: offsets do not
//! decrease and end with the length of the values. Source: ROOT's documentation of `TBasket`.

use crate::error::DataError;
use crate::limits::{self, Limits};
use crate::root::compression::{self, Block};
use crate::root::cursor::Cursor;
use crate::root::key::Key;

/// Bits of an offset that count displaced entries, in baskets with flags 20 to 40.
const DISPLACEMENT: u32 = 0xff00_0000;
/// Added to the flag where offsets are not stored but follow from another branch.
const GENERATED: u8 = 80;

/// A basket's own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    entries: u32,
    last: u32,
    flag: u8,
    version: u16,
}

impl Fields {
    fn parse(c: &mut Cursor<'_>) -> Result<Self, DataError> {
        let version = c.u16()?;
        c.skip(4)?;
        let entry_size = c.i32()?;
        if entry_size < 0 {
            c.skip(1)?;
        }
        let entries = c.i32()?;
        let last = c.i32()?;
        let flag = c.u8()?;
        let entries = u32::try_from(entries)
            .map_err(|_| DataError::corrupt(format!("basket of {entries} entries")))?;
        let last = u32::try_from(last)
            .map_err(|_| DataError::corrupt(format!("values of a basket end at {last}")))?;
        Ok(Self { entries, last, flag, version })
    }

    /// Where the values end, counted from the end of the key.
    fn border(&self, key: &Key) -> Result<usize, DataError> {
        self.last
            .checked_sub(u32::from(key.key_bytes))
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| DataError::corrupt("values of a basket end before they start"))
    }
}

/// The entries of a basket, decompressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket {
    /// Entries.
    pub entries: u32,
    /// Everything that the basket holds: values, then the offsets as they were written.
    pub content: Vec<u8>,
    /// Bytes of `content` that are values.
    pub value_bytes: usize,
    /// Where each entry starts in the values, and where the last one ends; none where all entries are of
    /// one length.
    pub offsets: Option<Vec<u32>>,
    /// Whether offsets are left out because another branch counts the records of an entry.
    pub counted: bool,
}

impl Basket {
    /// Offsets from the number of records in each entry, for baskets that leave them out.
    ///
    /// # Errors
    /// [`DataError::Corruption`] where the records do not fill the basket.
    pub(crate) fn count(&mut self, counts: &[u32], record: usize) -> Result<(), DataError> {
        let mut offsets = vec![0u32];
        let mut end = 0u32;
        for &n in counts {
            let next = u32::try_from(record).ok().and_then(|r| end.checked_add(n.checked_mul(r)?));
            end = next.ok_or_else(|| DataError::corrupt("more records than a basket can hold"))?;
            offsets.push(end);
        }
        let fills = usize::try_from(end).is_ok_and(|end| end == self.value_bytes);
        let entries = usize::try_from(self.entries).is_ok_and(|n| n == counts.len());
        if !fills || !entries {
            return Err(DataError::corrupt("a basket of other records than were counted"));
        }
        self.offsets = Some(offsets);
        self.counted = false;
        Ok(())
    }

    /// The values, as they lie in the file: big-endian, with the headers of their containers.
    pub fn values(&self) -> &[u8] {
        self.content.get(..self.value_bytes).unwrap_or_default()
    }
}

/// A basket on disk, before decompression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawBasket {
    /// Offset of the record in the file.
    pub offset: u64,
    /// Its key, without the basket's own fields.
    pub key: Key,
    /// Bytes of the key with the basket's own fields, as they lie in the file.
    pub header: Vec<u8>,
    /// The payload as it lies in the file.
    pub payload: Vec<u8>,
    fields: Fields,
}

impl RawBasket {
    /// Parses a record.
    pub(crate) fn parse(offset: u64, mut record: Vec<u8>) -> Result<Self, DataError> {
        let mut c = Cursor::new(&record);
        let key = Key::parse(&mut c)?;
        if key.class != "TBasket" {
            return Err(DataError::corrupt(format!(
                "the record at {offset} is a {}, no basket",
                key.class
            )));
        }
        let fields = Fields::parse(&mut c)?;
        let header_bytes = usize::from(key.key_bytes);
        let total = usize::try_from(key.total_bytes).unwrap_or(usize::MAX);
        if c.position() > header_bytes || header_bytes > total || total > record.len() {
            return Err(DataError::corrupt(format!("the record at {offset} contradicts itself")));
        }
        record.truncate(total);
        let payload = record.split_off(header_bytes);
        Ok(Self { offset, key, header: record, payload, fields })
    }

    /// Entries.
    pub fn entries(&self) -> u32 {
        self.fields.entries
    }

    /// Whether the payload is compressed.
    pub fn is_compressed(&self) -> bool {
        u64::try_from(self.payload.len()).is_ok_and(|n| n != u64::from(self.key.raw_bytes))
    }

    /// The compressed blocks; none where the payload is stored as it is.
    ///
    /// # Errors
    /// As [`compression::blocks`].
    pub fn blocks(&self) -> Result<Vec<Block>, DataError> {
        if !self.is_compressed() {
            return Ok(Vec::new());
        }
        compression::blocks(&self.payload, u64::from(self.key.raw_bytes))
    }

    /// The payload decompressed: what [`Basket::content`] holds.
    ///
    /// # Errors
    /// As [`RawBasket::decompress`].
    pub fn content(&self, limits: &Limits) -> Result<Vec<u8>, DataError> {
        compression::content(self.payload.clone(), u64::from(self.key.raw_bytes), limits.max_basket)
    }

    /// The entries.
    ///
    /// # Errors
    /// [`DataError::LimitExceeded`], [`DataError::Corruption`], [`DataError::InsufficientData`],
    /// [`DataError::ChecksumMismatch`].
    pub fn decompress(self, limits: &Limits) -> Result<Basket, DataError> {
        let border = self.fields.border(&self.key)?;
        let raw = u64::from(self.key.raw_bytes);
        limits::check("basket", raw, limits.max_basket)?;
        let content = compression::content(self.payload, raw, limits.max_basket)?;
        let offsets = if content.len() > border {
            let c = Cursor::new(&content).at(border)?;
            Some(offsets(c, &self.key, &self.fields, border)?)
        } else {
            None
        };
        finish(self.fields, content, border, offsets)
    }
}

/// A basket that was written with its branch, uncompressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EmbeddedBasket {
    basket: Option<Basket>,
}

impl EmbeddedBasket {
    pub fn parse(c: &mut Cursor<'_>, limits: &Limits) -> Result<Self, DataError> {
        let key = Key::parse(c)?;
        let fields = Fields::parse(c)?;
        let mut starts = None;
        let flag = fields.flag;
        if flag < GENERATED && flag != 0 && flag % 10 != 2 {
            if fields.entries > 0 {
                starts = Some(*c);
                let n = c.count("offsets of a basket")?;
                c.skip(n.saturating_mul(4))?;
            }
            if flag > 40 {
                let n = c.count("displacements of a basket")?;
                c.skip(n.saturating_mul(4))?;
            }
        }
        if flag != 1 && flag <= 10 {
            return Ok(Self { basket: None });
        }
        let n = if fields.version > 1 {
            usize::try_from(fields.last).unwrap_or(usize::MAX)
        } else {
            c.count("bytes of a basket")?
        };
        let bytes = c.bytes(n)?;
        limits::check("basket", u64::from(fields.last), limits.max_basket)?;
        let border = fields.border(&key)?;
        let content = bytes.get(usize::from(key.key_bytes)..).unwrap_or_default().to_vec();
        let starts = starts.map(|c| offsets(c, &key, &fields, border)).transpose()?;
        Ok(Self { basket: Some(finish(fields, content, border, starts)?) })
    }

    /// One that holds these entries.
    #[cfg(test)]
    pub fn of(basket: Basket) -> Self {
        Self { basket: Some(basket) }
    }

    /// Its entries, where it holds any.
    pub fn into_basket(self) -> Option<Basket> {
        self.basket
    }
}

fn finish(
    fields: Fields,
    content: Vec<u8>,
    border: usize,
    offsets: Option<Vec<u32>>,
) -> Result<Basket, DataError> {
    if border > content.len() {
        return Err(DataError::corrupt("values of a basket end after its content"));
    }
    let counted = fields.flag >= GENERATED && offsets.is_none();
    Ok(Basket { entries: fields.entries, content, value_bytes: border, offsets, counted })
}

/// The offsets at a cursor, counted from the start of the values.
fn offsets(
    mut c: Cursor<'_>,
    key: &Key,
    fields: &Fields,
    border: usize,
) -> Result<Vec<u32>, DataError> {
    let declared = c.count("offsets of a basket")?;
    let n = usize::try_from(fields.entries).unwrap_or(usize::MAX);
    if declared < n || n.checked_mul(4).is_none_or(|bytes| bytes > c.remaining()) {
        return Err(DataError::corrupt(format!("{declared} offsets for {n} entries")));
    }
    let end = u32::try_from(border).map_err(|_| DataError::corrupt("basket of 4 GiB"))?;
    let mask = if (21..40).contains(&fields.flag) { !DISPLACEMENT } else { u32::MAX };
    let mut out = Vec::with_capacity(n.saturating_add(1));
    let mut last = 0;
    for _ in 0..n {
        let start = (c.u32()? & mask).checked_sub(u32::from(key.key_bytes));
        let start = start
            .filter(|&start| start >= last && start <= end)
            .ok_or_else(|| DataError::corrupt("offsets of a basket out of order"))?;
        out.push(start);
        last = start;
    }
    out.push(end);
    Ok(out)
}
