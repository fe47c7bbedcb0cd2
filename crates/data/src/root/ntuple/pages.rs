//! The pages of an ntuple as they lie in the file.

use crate::root::ntuple::NTuple;
use crate::root::ntuple::clusters::Page;
use crate::root::ntuple::encoding::Encoding;
use vxc_tokens::layout::Kind;

/// Where a page lies and what it holds, for a copy that makes it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredPage {
    /// Identifier of its column.
    pub column: usize,
    /// Its place.
    pub page: Page,
    /// Its bytes once decompressed.
    pub content_bytes: u64,
    /// Bytes of an element that are stored apart, all first ones first; none where elements are whole.
    pub split_bytes: Option<usize>,
    /// The little-endian numbers that it holds; none for packed bits.
    pub kind: Option<Kind>,
    /// Whether these are the values, not differences or ends of collections.
    pub direct: bool,
}

impl NTuple {
    /// The pages of all columns whose encoding is known.
    pub fn stored_pages(&self) -> impl Iterator<Item = StoredPage> + '_ {
        let encodings: Vec<Option<Encoding>> =
            self.schema.columns.iter().map(|column| Encoding::of(column).ok()).collect();
        self.clusters.iter().flat_map(move |cluster| {
            let columns = cluster.columns.iter().zip(encodings.clone()).enumerate();
            columns
                .filter_map(|(column, (range, encoding))| Some((column, range, encoding?)))
                .flat_map(|(column, range, encoding)| {
                    range.pages.iter().map(move |&page| StoredPage {
                        column,
                        page,
                        content_bytes: encoding.page_bytes(page.elements),
                        split_bytes: encoding.split_bytes(),
                        kind: encoding.stored_kind(),
                        direct: encoding.is_direct(),
                    })
                })
        })
    }
}
