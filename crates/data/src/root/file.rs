//! A ROOT file, opened: its objects, its trees, the baskets of their branches.

use crate::error::DataError;
use crate::limits::{self, Limits};
use crate::root::basket::{Basket, RawBasket};
use crate::root::branch::{BasketInfo, Branch, Place};
use crate::root::column::{self, Chunk};
use crate::root::compression;
use crate::root::cursor::Cursor;
use crate::root::directory::{self, Entry};
use crate::root::header::{FileHeader, HEADER_BYTES};
use crate::root::key::Key;
use crate::root::layout::Layout;
use crate::root::ntuple::anchor;
use crate::root::source::Source;
use crate::root::streamer::Streamers;
use crate::root::tree::{self, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};
use std::sync::Arc;

/// A file over any reader that can seek.
#[derive(Debug)]
pub struct RootFile<R> {
    pub(crate) source: Source<R>,
    header: FileHeader,
    entries: Vec<Entry>,
    /// Indices of entries by path, of one path the newest last.
    by_path: Vec<usize>,
    streamers: Streamers,
    limits: Limits,
    /// The counts that were read last, and of which basket of which counter.
    counts: Option<(CounterBasket, Arc<[u32]>)>,
}

/// A basket of a counter.
#[derive(Debug, PartialEq, Eq)]
struct CounterBasket {
    path: String,
    place: Place,
    entries: u64,
}

impl<R: Read + Seek> RootFile<R> {
    /// Reads header, directories and streamers.
    ///
    /// # Errors
    /// [`DataError`] of every kind: the file is read from its start to its last directory.
    pub fn open(inner: R) -> Result<Self, DataError> {
        Self::open_with(inner, Limits::default())
    }

    /// The same, within limits.
    ///
    /// # Errors
    /// As [`RootFile::open`].
    pub fn open_with(inner: R, limits: Limits) -> Result<Self, DataError> {
        let mut source = Source::new(inner)?;
        let header = FileHeader::parse(&source.read_up_to(0, HEADER_BYTES)?)?;
        if source.len() < header.end {
            return Err(DataError::truncated(format!("{} bytes of {}", source.len(), header.end)));
        }
        let root_at = header.begin.checked_add(u64::from(header.name_bytes));
        let root_at = root_at.ok_or_else(|| DataError::corrupt("the first record has no place"))?;
        let entries = directory::walk(&mut source, root_at, &limits)?;
        let streamers = if header.streamers_at == 0 || header.streamers_bytes == 0 {
            Streamers::default()
        } else {
            let bytes = u64::from(header.streamers_bytes);
            let (key, payload) = record(&mut source, header.streamers_at, bytes, &limits)?;
            Streamers::parse(&payload, u64::from(key.key_bytes), &limits)?
        };
        let by_path = by_path(&entries);
        Ok(Self { source, header, entries, by_path, streamers, limits, counts: None })
    }

    /// What the header says.
    pub fn header(&self) -> &FileHeader {
        &self.header
    }

    /// All objects, in all directories.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Bytes of the file.
    pub fn file_bytes(&self) -> u64 {
        self.source.len()
    }

    /// Limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Paths of the trees: of each name only the newest, as other cycles are older states of it.
    pub fn trees(&self) -> Vec<String> {
        self.newest(|class| tree::CLASSES.contains(&class))
    }

    /// What is neither the newest tree nor the newest ntuple of its name: histograms, texts, other cycles.
    pub fn others(&self) -> Vec<&Entry> {
        let table = |class: &str| tree::CLASSES.contains(&class) || class == anchor::CLASS;
        let mut newest = BTreeMap::new();
        for entry in &self.entries {
            let cycle = newest.entry(entry.path.as_str()).or_insert(entry.key.cycle);
            *cycle = entry.key.cycle.max(*cycle);
        }
        let is_newest = |entry: &Entry| newest.get(entry.path.as_str()) == Some(&entry.key.cycle);
        let other = |entry: &&Entry| !(is_newest(entry) && table(&entry.key.class));
        self.entries.iter().filter(other).collect()
    }

    /// The layouts that the file describes its classes by.
    #[cfg(test)]
    pub(crate) fn streamers(&self) -> &Streamers {
        &self.streamers
    }

    pub(crate) fn newest(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let found = self.entries.iter().filter(|entry| wanted(&entry.key.class));
        let first = found.filter(|entry| seen.insert(entry.path.as_str()));
        first.map(|entry| entry.path.clone()).collect()
    }

    /// The newest object of a path.
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        let at = |at: &usize| self.entries.get(*at);
        let end = self.by_path.partition_point(|i| at(i).is_some_and(|e| e.path.as_str() <= path));
        let last = end.checked_sub(1).and_then(|i| self.by_path.get(i)).and_then(at);
        last.filter(|entry| entry.path == path)
    }

    /// The payload of an object, decompressed.
    ///
    /// # Errors
    /// [`DataError`] of every kind but `Unsupported`.
    pub fn payload(&mut self, entry: &Entry) -> Result<Vec<u8>, DataError> {
        let bytes = u64::from(entry.key.total_bytes);
        record(&mut self.source, entry.key.offset, bytes, &self.limits).map(|(_, payload)| payload)
    }

    /// A tree by its path.
    ///
    /// # Errors
    /// [`DataError::InvalidArgument`] where there is no such tree, [`DataError::Unsupported`] where the file
    /// does not describe its classes, and those of damaged bytes.
    pub fn tree(&mut self, path: &str) -> Result<Tree, DataError> {
        let entry = self
            .entry(path)
            .filter(|entry| tree::CLASSES.contains(&entry.key.class.as_str()))
            .cloned()
            .ok_or_else(|| DataError::argument(format!("no tree {path}")))?;
        let bytes = u64::from(entry.key.total_bytes);
        let (key, payload) = record(&mut self.source, entry.key.offset, bytes, &self.limits)?;
        let origin = u64::from(key.key_bytes);
        Tree::parse(path, &entry.key.class, &payload, origin, &self.streamers, self.limits)
    }

    /// A basket as it lies in the file, not decompressed; none where it was written with its tree.
    ///
    /// # Errors
    /// [`DataError::Corruption`], [`DataError::InsufficientData`], [`DataError::Io`].
    pub fn raw_basket(&mut self, info: &BasketInfo) -> Result<Option<RawBasket>, DataError> {
        let Place::Record { offset, bytes } = info.place else { return Ok(None) };
        limits::check("basket", bytes, self.limits.max_basket)?;
        let record = self.source.read(offset, bytes)?;
        let basket = RawBasket::parse(offset, record)?;
        if u64::from(basket.entries()) != info.entries {
            return Err(DataError::corrupt(format!(
                "a basket of {} entries, {} declared",
                basket.entries(),
                info.entries
            )));
        }
        Ok(Some(basket))
    }

    /// A basket, decompressed.
    ///
    /// # Errors
    /// As [`RootFile::raw_basket`] and [`RawBasket::decompress`].
    pub fn basket(&mut self, branch: &Branch, info: &BasketInfo) -> Result<Basket, DataError> {
        if let Some(raw) = self.raw_basket(info)? {
            return raw.decompress(&self.limits);
        }
        let Place::Embedded(at) = info.place else {
            return Err(DataError::argument("a basket of another branch"));
        };
        let found = branch.embedded.get(at).cloned();
        found.ok_or_else(|| DataError::argument("a basket of another branch"))
    }

    /// The values of a branch, basket by basket: memory is that of one basket.
    ///
    /// # Errors
    /// [`DataError::Unsupported`] where the branch has no [layout](Branch::layout).
    pub fn chunks<'a>(&'a mut self, branch: &'a Branch) -> Result<Chunks<'a, R>, DataError> {
        let layout = branch
            .layout
            .as_ref()
            .map_err(|why| DataError::unsupported(format!("branch {}: {why}", branch.path)))?;
        Ok(Chunks { file: self, branch, layout, next: 0 })
    }

    /// The values of one basket of a branch.
    ///
    /// # Errors
    /// As [`RootFile::basket`] and [`Chunk::of`].
    pub(crate) fn chunk(
        &mut self,
        branch: &Branch,
        layout: &Layout,
        info: &BasketInfo,
    ) -> Result<Chunk, DataError> {
        let mut basket = self.basket(branch, info)?;
        if let (true, Some(counts)) = (basket.counted, &branch.counts) {
            let counts = self.counts(counts, info)?;
            basket.count(&counts, layout.record_bytes())?;
        }
        Chunk::of(&basket, info.first_entry, layout)
    }

    /// The numbers of records in the entries of a basket, from the branch that counts them.
    fn counts(&mut self, counter: &Branch, wanted: &BasketInfo) -> Result<Vec<u32>, DataError> {
        let layout = counter.layout.as_ref().map_err(|why| DataError::unsupported(why.as_str()))?;
        let end = wanted.first_entry.saturating_add(wanted.entries);
        let mut out = Vec::new();
        for info in &counter.baskets {
            let info_end = info.first_entry.saturating_add(info.entries);
            if info.first_entry >= end || info_end <= wanted.first_entry {
                continue;
            }
            let counts = self.basket_counts(counter, layout, info)?;
            let skip = wanted.first_entry.saturating_sub(info.first_entry);
            let take = end.min(info_end).saturating_sub(info.first_entry.max(wanted.first_entry));
            let size = |n| usize::try_from(n).unwrap_or(usize::MAX);
            out.extend(counts.iter().copied().skip(size(skip)).take(size(take)));
        }
        Ok(out)
    }

    /// The counts in one basket of a counter. Those read last are kept: a basket of a counter may count for many others.
    fn basket_counts(
        &mut self,
        counter: &Branch,
        layout: &Layout,
        info: &BasketInfo,
    ) -> Result<Arc<[u32]>, DataError> {
        // Those that were written with a tree have no place of their own.
        let in_file = matches!(info.place, Place::Record { .. });
        let source = in_file.then(|| CounterBasket {
            path: counter.path.clone(),
            place: info.place,
            entries: info.entries,
        });
        if let Some((of, counts)) = &self.counts
            && source.as_ref() == Some(of)
        {
            return Ok(counts.clone());
        }
        let basket = self.basket(counter, info)?;
        let chunk = Chunk::of(&basket, info.first_entry, layout)?;
        let counts: Arc<[u32]> = column::counts(&chunk, layout)?.into();
        self.counts = source.map(|source| (source, counts.clone()));
        Ok(counts)
    }

    /// All values of a branch.
    ///
    /// # Errors
    /// As [`RootFile::chunks`] and [`RootFile::basket`]; [`DataError::LimitExceeded`] beyond
    /// [`Limits::max_column`]; [`DataError::Corruption`] where baskets do not add up to the entries.
    pub fn column(&mut self, branch: &Branch) -> Result<Chunk, DataError> {
        let limit = self.limits.max_column;
        let mut out = Chunk::default();
        for chunk in self.chunks(branch)? {
            let chunk = chunk?;
            let needed = out.bytes().saturating_add(chunk.bytes());
            limits::check("column", needed, limit)?;
            out.append(chunk);
        }
        if out.entries != branch.entries {
            return Err(DataError::corrupt(format!(
                "branch {} has {} entries, {} in its baskets",
                branch.path, branch.entries, out.entries
            )));
        }
        Ok(out)
    }
}

/// Iterator over the baskets of a branch, as values.
#[derive(Debug)]
pub struct Chunks<'a, R> {
    file: &'a mut RootFile<R>,
    branch: &'a Branch,
    layout: &'a Layout,
    next: usize,
}

impl<R: Read + Seek> Iterator for Chunks<'_, R> {
    type Item = Result<Chunk, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let info = self.branch.baskets.get(self.next)?;
        self.next = self.next.saturating_add(1);
        Some(self.file.chunk(self.branch, self.layout, info))
    }
}

/// Indices of entries by path, of one path the newest last: the last of those with the highest cycle.
fn by_path(entries: &[Entry]) -> Vec<usize> {
    let mut out: Vec<usize> = (0..entries.len()).collect();
    out.sort_by_key(|&at| entries.get(at).map(|e| (e.path.as_str(), e.key.cycle, at)));
    out
}

/// A record by its place: its key and its decompressed payload.
fn record<R: Read + Seek>(
    source: &mut Source<R>,
    offset: u64,
    bytes: u64,
    limits: &Limits,
) -> Result<(Key, Vec<u8>), DataError> {
    limits::check("object", bytes, limits.max_object)?;
    let mut record = source.read(offset, bytes)?;
    let key = Key::parse(&mut Cursor::new(&record))?;
    let header = usize::from(key.key_bytes);
    let total = usize::try_from(key.total_bytes).unwrap_or(usize::MAX);
    if header > total || total > record.len() {
        return Err(DataError::corrupt(format!("the record at {offset} contradicts itself")));
    }
    record.truncate(total);
    let payload = record.split_off(header);
    let raw = u64::from(key.raw_bytes);
    Ok((key, compression::content(payload, raw, limits.max_object)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Of a path the newest cycle is taken, of equal ones the last; each path is told once, in the order of the file.
    #[test]
    fn objects_are_found_by_path() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/root");
        let open = std::fs::File::open(folder.join("zlib.root")).unwrap();
        let mut file = RootFile::open(open).unwrap();
        let key = file.entries[0].key.clone();
        let entry = |(path, cycle): (&str, u16), offset: u64| Entry {
            path: path.to_owned(),
            key: Key { cycle, offset, ..key.clone() },
        };
        let all = [("b", 2), ("a", 9), ("b", 1), ("b/c", 1), ("b", 2), ("c", 1), ("a", 8)];
        file.entries = all.into_iter().zip(0..).map(|(e, at)| entry(e, at)).collect();
        file.by_path = by_path(&file.entries);
        for (path, offset) in [("a", 1), ("b", 4), ("b/c", 3), ("c", 5)] {
            assert_eq!(file.entry(path).map(|e| e.key.offset), Some(offset), "{path}");
        }
        for path in ["", "aa", "b/", "d"] {
            assert!(file.entry(path).is_none(), "{path}");
        }
        assert_eq!(file.newest(|_| true), ["b", "a", "b/c", "c"]);
    }
}
