//! `RNTuple`: ROOT's columnar successor of the tree.
//!
//! ```text
//! anchor ──► header (fields, columns)
//!        └─► footer (more of them) ──► page lists (clusters) ──► pages
//! ```
//! `anchor` is the object in the file, `envelope` the boxes of the metadata, [`schema`] what the header lists,
//! [`clusters`] what footer and page lists do, `encoding` the bytes of a page, and [`columns`] what comes out:
//! columns of values with the lengths of their collections, as for trees. Not read: variants, fixed arrays of
//! collections, and projected fields, which show others again.
//! Source: RNTuple specification 1.0.

pub(crate) mod anchor;
pub mod clusters;
pub mod columns;
pub(crate) mod encoding;
pub(crate) mod envelope;
pub mod pages;
pub mod schema;

use crate::error::DataError;
use crate::limits;
use crate::root::column::Chunk;
use crate::root::compression;
use crate::root::file::RootFile;
use crate::root::primitive::Primitive;
use anchor::Anchor;
use clusters::{Cluster, Page};
use columns::ValueColumn;
use encoding::Encoding;
use envelope::{Envelope, Kind, features, text};
use schema::Schema;
use std::io::{Read, Seek};

/// An ntuple's metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct NTuple {
    /// Directories and name, joined by `/`.
    pub path: String,
    /// Description.
    pub description: String,
    /// Program that wrote it.
    pub writer: String,
    /// Entries.
    pub entries: u64,
    /// Fields and columns as stored.
    pub schema: Schema,
    /// Columns as values.
    pub columns: Vec<ValueColumn>,
    /// Clusters, in order of their entries.
    pub clusters: Vec<Cluster>,
}

/// A page, decompressed and decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageContent {
    /// Decompressed, in the encoding of the column.
    pub content: Vec<u8>,
    /// Decoded: little-endian values; of an index column, ends of collections within the cluster.
    pub values: Vec<u8>,
    /// Type of the values.
    pub primitive: Primitive,
}

impl NTuple {
    /// A column by its path.
    pub fn column(&self, path: &str) -> Option<&ValueColumn> {
        self.columns.iter().find(|column| column.path == path)
    }

    /// Bytes in the file and decompressed of all pages of a column, the index columns that are its own
    /// not counted.
    pub fn bytes(&self, column: &ValueColumn) -> (u64, u64) {
        let (mut stored, mut raw) = (0u64, 0u64);
        for &id in &column.columns {
            let encoding = self.schema.columns.get(id).map(Encoding::of);
            let Some(Ok(encoding)) = encoding else { continue };
            for range in self.clusters.iter().filter_map(|cluster| cluster.columns.get(id)) {
                for page in &range.pages {
                    stored = stored.saturating_add(page.stored_bytes);
                    raw = raw.saturating_add(encoding.page_bytes(page.elements));
                }
            }
        }
        (stored, raw)
    }
}

impl<R: Read + Seek> RootFile<R> {
    /// Paths of the ntuples.
    pub fn ntuples(&self) -> Vec<String> {
        self.newest(|class| class == anchor::CLASS)
    }

    /// An ntuple by its path.
    ///
    /// # Errors
    /// [`DataError::InvalidArgument`] where there is none, [`DataError::Unsupported`] for features of later
    /// formats, and those of damaged bytes.
    pub fn ntuple(&mut self, path: &str) -> Result<NTuple, DataError> {
        let entry = self
            .entry(path)
            .filter(|entry| entry.key.class == anchor::CLASS)
            .cloned()
            .ok_or_else(|| DataError::argument(format!("no ntuple {path}")))?;
        let anchor = Anchor::parse(&self.payload(&entry)?)?;
        let limits = *self.limits();
        let header = Envelope::read(&mut self.source, anchor.header, Kind::Header, &limits)?;
        let mut c = header.payload();
        features(&mut c)?;
        let _name = text(&mut c)?;
        let description = text(&mut c)?;
        let writer = text(&mut c)?;
        let mut schema = Schema::default();
        schema.extend(&mut c, &limits)?;
        let checksum = header.checksum;
        let clusters =
            clusters::read(&mut self.source, anchor.footer, checksum, &mut schema, &limits)?;
        let columns = columns::all(&schema, &limits)?;
        let entries = clusters.iter().fold(0u64, |sum, c| sum.saturating_add(c.entries));
        let path = path.to_owned();
        Ok(NTuple { path, description, writer, entries, schema, columns, clusters })
    }

    /// The values of a column in one cluster: memory is that of the cluster's part of the column.
    ///
    /// # Errors
    /// [`DataError::Unsupported`] where the column has no layout, [`DataError::LimitExceeded`], and those of
    /// damaged bytes.
    pub fn ntuple_chunk(
        &mut self,
        ntuple: &NTuple,
        column: &ValueColumn,
        cluster: &Cluster,
    ) -> Result<Chunk, DataError> {
        let limits = *self.limits();
        columns::chunk(&mut self.source, &ntuple.schema, cluster, column, &limits)
    }

    /// All values of a column.
    ///
    /// # Errors
    /// As [`RootFile::ntuple_chunk`], and [`DataError::LimitExceeded`] beyond
    /// [`Limits::max_column`](crate::Limits::max_column).
    pub fn ntuple_column(
        &mut self,
        ntuple: &NTuple,
        column: &ValueColumn,
    ) -> Result<Chunk, DataError> {
        let mut out = Chunk::default();
        for cluster in &ntuple.clusters {
            let chunk = self.ntuple_chunk(ntuple, column, cluster)?;
            let needed = out.bytes().saturating_add(chunk.bytes());
            limits::check("column", needed, self.limits().max_column)?;
            out.append(chunk);
        }
        Ok(out)
    }

    /// A page decompressed, still in the encoding of its column, and the values decoded from it.
    ///
    /// # Errors
    /// [`DataError::InvalidArgument`] where there is no such column, [`DataError::Unsupported`] for one that is
    /// not decoded, [`DataError::LimitExceeded`], and those of damaged bytes.
    pub fn page(
        &mut self,
        ntuple: &NTuple,
        column: usize,
        page: &Page,
    ) -> Result<PageContent, DataError> {
        let no_column = || DataError::argument(format!("no column {column}"));
        let encoding = Encoding::of(ntuple.schema.columns.get(column).ok_or_else(no_column)?)?;
        let raw = encoding.page_bytes(page.elements);
        let width = u64::try_from(encoding.primitive.bytes()).unwrap_or(u64::MAX);
        let decoded = u64::from(page.elements).saturating_mul(width);
        let limit = self.limits().max_basket;
        limits::check("page", decoded.max(raw), limit)?;
        let content = compression::content(self.stored_page(page)?, raw, limit)?;
        let mut values = Vec::new();
        encoding.decode(&content, page.elements, &mut values);
        Ok(PageContent { content, values, primitive: encoding.primitive })
    }

    /// A page as it lies in the file: compressed, without its checksum, which is checked.
    ///
    /// # Errors
    /// [`DataError::ChecksumMismatch`], [`DataError::InsufficientData`], [`DataError::Io`].
    pub fn stored_page(&mut self, page: &Page) -> Result<Vec<u8>, DataError> {
        limits::check("page", page.stored_bytes, self.limits().max_basket)?;
        columns::stored_page(&mut self.source, page)
    }
}
