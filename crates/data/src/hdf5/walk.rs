//! Groups and what they link to.
//!
//! Hard links may form circles and soft ones repeat what others reach: an object is taken once, by the first path in the
//! order of the file. External links and links to nothing are left out, as no values of this file are behind them.

use crate::error::DataError;
use crate::hdf5::dataset::{Dataset, Entry};
use crate::hdf5::file::Hdf5File;
use crate::hdf5::{links, seam};
use crate::limits;
use hdf5_reader::Datatype;
use hdf5_reader::group::Group;
use std::collections::HashSet;

/// The datasets of a file.
///
/// # Errors
/// Where the root group cannot be read; [`DataError::LimitExceeded`].
pub(crate) fn entries(file: &Hdf5File) -> Result<Vec<Entry>, DataError> {
    let root = seam::call(|| file.library().root_group())?;
    let mut walk = Walk { file, seen: HashSet::from([root.address()]), out: Vec::new(), held: 0 };
    walk.group(&root, "", file.limits().depth())?;
    Ok(walk.out)
}

struct Walk<'a> {
    file: &'a Hdf5File,
    seen: HashSet<u64>,
    out: Vec<Entry>,
    /// Bytes of all paths.
    held: u64,
}

impl Walk<'_> {
    fn group(&mut self, group: &Group, path: &str, depth: u32) -> Result<(), DataError> {
        let names = match seam::call(|| group.member_names()) {
            Ok((groups, datasets)) => Names { groups, datasets, any: Vec::new() },
            // One member that cannot be parsed makes the library refuse all: then one by one.
            Err(error) => match links::names(self.file, group.address()) {
                Ok(any) if !any.is_empty() => {
                    Names { groups: Vec::new(), datasets: Vec::new(), any }
                }
                _ if path.is_empty() => return Err(error),
                _ => return self.push(Entry { path: path.into(), dataset: Err(error) }),
            },
        };
        for name in names.datasets {
            self.dataset(group, &join(path, &name), &name)?;
        }
        for name in names.any {
            match seam::call(|| group.group(&name)) {
                Ok(found) => self.inner(&found, &join(path, &name), depth)?,
                Err(_) => self.dataset(group, &join(path, &name), &name)?,
            }
        }
        for name in names.groups {
            match seam::call(|| group.group(&name)) {
                Ok(found) => self.inner(&found, &join(path, &name), depth)?,
                Err(error) => self.push(Entry { path: join(path, &name), dataset: Err(error) })?,
            }
        }
        Ok(())
    }

    fn inner(&mut self, group: &Group, path: &str, depth: u32) -> Result<(), DataError> {
        if !self.seen.insert(group.address()) {
            return Ok(());
        }
        let seen = u64::try_from(self.seen.len()).unwrap_or(u64::MAX);
        limits::check("number of objects", seen, self.file.limits().max_keys)?;
        match depth.checked_sub(1) {
            Some(depth) => self.group(group, path, depth),
            None => {
                let error = DataError::corrupt("groups in groups without end");
                self.push(Entry { path: path.into(), dataset: Err(error) })
            }
        }
    }

    fn dataset(&mut self, group: &Group, path: &str, name: &str) -> Result<(), DataError> {
        let dataset = match seam::call(|| group.dataset(name)) {
            Ok(found) if !self.seen.insert(found.address()) => return Ok(()),
            Ok(found) => self.parse(&found, path),
            // Named types, which are no data.
            Err(DataError::Corruption(message)) if message.starts_with("dataset not found") => {
                return Ok(());
            }
            Err(error) => Err(error),
        };
        self.push(Entry { path: path.into(), dataset })
    }

    fn parse(&self, found: &hdf5_reader::Dataset, path: &str) -> Result<Dataset, DataError> {
        let library = self.file.library();
        let header = seam::call(|| library.get_or_parse_header(found.address()))?;
        let encoded = match found.dtype() {
            Datatype::FloatingPoint { .. } => seam::call(|| found.raw_datatype())?,
            _ => Vec::new(),
        };
        let offset_bytes = library.superblock().offset_size;
        let limits = self.file.limits();
        Dataset::new(path, found.address(), &header, &encoded, offset_bytes, limits)
    }

    fn push(&mut self, entry: Entry) -> Result<(), DataError> {
        let count = u64::try_from(self.out.len()).unwrap_or(u64::MAX).saturating_add(1);
        let limits = self.file.limits();
        limits::check("number of datasets", count, limits.max_keys)?;
        self.held = self.held.saturating_add(u64::try_from(entry.path.len()).unwrap_or(u64::MAX));
        limits::check("paths of datasets", self.held, limits.max_object)?;
        self.out.push(entry);
        Ok(())
    }
}

struct Names {
    groups: Vec<String>,
    datasets: Vec<String>,
    /// Of either kind.
    any: Vec<String>,
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}/{name}") }
}
