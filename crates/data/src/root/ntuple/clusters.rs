//! Footer and page lists of an `RNTuple`: which entries a cluster holds, and where its pages are.
//!
//! ```text
//! footer    := features · checksum of the header · extension record · list of groups of clusters
//! group     := first entry u64 · entries u64 · clusters u32 · link to a page list
//! page list := checksum of the header · list of {first entry u64, entries u56 | flags u8}
//!                · list over clusters of lists over columns of
//!                    list of {elements i32, locator} · first element i64 · [compression u32]
//! ```
//! A negative number of elements says that a checksum follows the page; a negative first element that the
//! column is suppressed in the cluster. Source: RNTuple specification 1.0, "Footer Envelope", "Page List
//! Envelope".

use crate::error::DataError;
use crate::limits::{self, Limits};
use crate::root::cursor::Cursor;
use crate::root::ntuple::envelope::{self, Envelope, Kind, Link, features, list, locator, record};
use crate::root::ntuple::schema::Schema;
use crate::root::source::Source;
use std::io::{Read, Seek};

/// A page: a stretch of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Offset in the file.
    pub offset: u64,
    /// Bytes in the file, without the checksum.
    pub stored_bytes: u64,
    /// Elements.
    pub elements: u32,
    /// Whether XXH3-64 of the stored bytes follows them.
    pub checksum: bool,
}

/// A column in one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnRange {
    /// Its pages.
    pub pages: Vec<Page>,
    /// First element over all clusters; negative where the column is suppressed.
    pub first_element: i64,
    /// Compression: 100 × algorithm + level.
    pub compression: u32,
}

/// A run of entries with all their columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// First entry.
    pub first_entry: u64,
    /// Entries.
    pub entries: u64,
    /// One for each column, in their order; fewer where columns were added later.
    pub columns: Vec<ColumnRange>,
}

/// Reads the footer (which may add to the schema) and every page list.
pub(crate) fn read<R: Read + Seek>(
    source: &mut Source<R>,
    footer: Link,
    header_checksum: u64,
    schema: &mut Schema,
    limits: &Limits,
) -> Result<Vec<Cluster>, DataError> {
    let envelope = Envelope::read(source, footer, Kind::Footer, limits)?;
    let mut c = envelope.payload();
    features(&mut c)?;
    if c.le_u64()? != header_checksum {
        return Err(DataError::corrupt("a footer of another header"));
    }
    let mut extension = record(&mut c)?;
    if extension.remaining() > 0 {
        schema.extend(&mut extension, limits)?;
    }
    let (groups, mut list_of_groups) = list(&mut c)?;
    let mut out: Vec<Cluster> = Vec::new();
    let mut items = 0u64;
    let mut next_entry = 0u64;
    for _ in 0..groups {
        let mut group = record(&mut list_of_groups)?;
        group.skip(16)?;
        let clusters = group.le_u32()?;
        let link = envelope::link(&mut group)?;
        let pages = Envelope::read(source, link, Kind::PageList, limits)?;
        let mut c = pages.payload();
        if c.le_u64()? != header_checksum {
            return Err(DataError::corrupt("a page list of another header"));
        }
        let found = page_list(&mut c, limits, &mut items)?;
        if u32::try_from(found.len()).is_ok_and(|n| n != clusters) {
            return Err(DataError::corrupt("a page list of another number of clusters"));
        }
        for cluster in found {
            if cluster.first_entry != next_entry {
                return Err(DataError::corrupt(format!(
                    "a cluster starts at entry {}, not {next_entry}",
                    cluster.first_entry
                )));
            }
            next_entry = next_entry
                .checked_add(cluster.entries)
                .ok_or_else(|| DataError::corrupt("more entries than can be counted"))?;
            out.push(cluster);
        }
    }
    Ok(out)
}

fn page_list(
    c: &mut Cursor<'_>,
    limits: &Limits,
    items: &mut u64,
) -> Result<Vec<Cluster>, DataError> {
    let (n, mut summaries) = list(c)?;
    let mut out = Vec::new();
    for _ in 0..n {
        let mut summary = record(&mut summaries)?;
        let first_entry = summary.le_u64()?;
        let word = summary.le_u64()?;
        if (word >> 56) & 1 != 0 {
            return Err(DataError::unsupported("a sharded cluster"));
        }
        out.push(Cluster { first_entry, entries: word & (u64::MAX >> 8), columns: Vec::new() });
    }
    let (listed, mut clusters) = list(c)?;
    if listed != n {
        return Err(DataError::corrupt("pages of another number of clusters"));
    }
    for cluster in &mut out {
        let (n, mut columns) = list(&mut clusters)?;
        for _ in 0..n {
            let (n, mut pages) = list(&mut columns)?;
            let mut range = ColumnRange { pages: Vec::new(), first_element: 0, compression: 0 };
            *items = items.saturating_add(u64::from(n)).saturating_add(1);
            limits::check("pages", *items, limits.max_values)?;
            for _ in 0..n {
                range.pages.push(page(&mut pages)?);
            }
            range.first_element = i64::from_le_bytes(pages.array()?);
            if range.first_element >= 0 {
                range.compression = pages.le_u32()?;
            }
            cluster.columns.push(range);
        }
    }
    Ok(out)
}

fn page(c: &mut Cursor<'_>) -> Result<Page, DataError> {
    let elements = i32::from_le_bytes(c.array()?);
    let (offset, stored_bytes) = locator(c)?;
    Ok(Page { offset, stored_bytes, elements: elements.unsigned_abs(), checksum: elements < 0 })
}
