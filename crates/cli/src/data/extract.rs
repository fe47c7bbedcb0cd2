//! `data extract`: every array as a flat file with its description beside it.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use vxc::ContentHasher;
use vxc::tokens::RecordLayout;
use vxc::tokens::layout::{Endian, Field, Kind};
use vxc_data::arrays::padded::Padded;
use vxc_data::{ArrayInfo, DataError, Dtype, DtypeKind};

use super::arrays::Arrays;
use super::sidecar::{Lossy, Sidecar};
use super::unpack;
use crate::args::ExtractArgs;
use crate::console::{Console, Escaped, Shown, bytes};
use crate::failure::Failure;
use crate::output::{Output, Target, Terminal};

/// Longest name of a file that is made of a path.
const LONGEST: usize = 120;

/// Extracts a file.
///
/// # Errors
/// What cannot be read or written. Files that were complete before stay.
pub fn run(how: &ExtractArgs, console: &Console) -> Result<(), Failure> {
    if !how.file.is_dir() && unpack::run(how, console)? {
        return Ok(());
    }
    let mut arrays = Arrays::open(&how.file)?;
    if arrays.format == "flat" {
        let what = "no file of a known format (ROOT, HDF5, NumPy, gzip, tar)";
        return Err(DataError::Corruption(what.into()).into());
    }
    std::fs::create_dir_all(&how.output)
        .map_err(Failure::io(format!("cannot make {}", Shown(&how.output))))?;
    let mut names = Names::new(&how.output);
    let mut chosen = arrays.chosen(&how.only)?;
    let (mut files, mut total) = (0u64, 0u64);
    if how.padded {
        let tables = arrays.file().map(|file| file.tables()).unwrap_or_default();
        if tables.is_empty() {
            return Err(Failure::usage("--padded is for ROOT files with trees or ntuples"));
        }
        for (at, table) in tables.iter().enumerate() {
            if how.only.is_empty() || how.only.contains(table) {
                total += padded(how, &mut arrays, at, &mut names, console)?;
                files += 1;
            }
        }
        // The lengths of what was padded.
        chosen.retain(|&at| arrays.infos[at].path.ends_with(".lengths"));
    }
    for at in chosen {
        total += one(how, &mut arrays, at, &mut names, console)?;
        files += 1;
    }
    for (path, why) in &arrays.refused {
        if console.verbose() {
            console
                .warning(&how.file, &format!("{} is not extracted: {why}", Shown(Path::new(path))));
        }
    }
    let refused = match arrays.refused.len() {
        0 => String::new(),
        n => format!(", {n} columns or arrays cannot be read (-v tells)"),
    };
    console.note(&format!(
        "{} : {files} arrays, {} in {}{refused}",
        Shown(&how.file),
        bytes(total),
        Shown(&how.output)
    ));
    Ok(())
}

fn one(
    how: &ExtractArgs,
    arrays: &mut Arrays,
    at: usize,
    names: &mut Names,
    console: &Console,
) -> Result<u64, Failure> {
    let info = arrays.infos[at].clone();
    let bin = names.of(&info.path);
    let format = arrays.format;
    let mut out = Hashed::open(&bin, how.force)?;
    for values in arrays.values(at)? {
        out.write(&values?)?;
    }
    let (mut file, digest) = out.finish();
    let width = info.dtype.bytes as u64;
    let shape = match info.lengths {
        Some(_) if info.shape.is_empty() => vec![digest.len / width.max(1)],
        _ => info.shape.clone(),
    };
    let declared = shape.iter().try_fold(width, |n, &dim| n.checked_mul(dim));
    if declared != Some(digest.len) {
        let what = format!("{}: {} bytes of values in shape {shape:?}", info.path, digest.len);
        return Err(DataError::Corruption(what).into());
    }
    let layout = ArrayInfo { shape: shape.clone(), ..info.clone() }.layout();
    file.publish_one_of_many()?;
    let sidecar = Sidecar::new(&info, shape, layout.as_ref(), &how.file, format, &digest);
    sidecar.write(&bin, how.force)?;
    if console.verbose() {
        console.note(&format!(
            "{} : {} {:?}, {} in {}",
            Escaped(&info.path),
            info.dtype.label(),
            sidecar.shape,
            bytes(digest.len),
            Shown(&bin)
        ));
    }
    Ok(digest.len)
}

fn padded(
    how: &ExtractArgs,
    arrays: &mut Arrays,
    at: usize,
    names: &mut Names,
    console: &Console,
) -> Result<u64, Failure> {
    let format = arrays.format;
    let Some(file) = arrays.file() else { return Ok(0) };
    let mut table = file.padded(at, how.objects)?;
    let bin = names.of(&format!("{}.padded", table.path));
    let mut out = Hashed::open(&bin, how.force)?;
    while let Some(rows) = table.rows()? {
        out.write(&rows)?;
    }
    let (mut file, digest) = out.finish();
    let number = Dtype { bytes: 4, kind: DtypeKind::Number(Kind::F32, Endian::Little) };
    let shape = vec![table.entries, table.width() as u64];
    let info = ArrayInfo {
        path: format!("{}.padded", table.path),
        dtype: number,
        shape: shape.clone(),
        fortran_order: false,
        lengths: None,
    };
    let layout = row(&table);
    let lossy = Lossy { inexact: table.inexact, cut: table.cut, left_out: table.left_out.clone() };
    if table.entries.checked_mul(table.width() as u64 * 4) != Some(digest.len) {
        let what = format!("{}: entries are missing", table.path);
        return Err(DataError::Corruption(what).into());
    }
    file.publish_one_of_many()?;
    let sidecar = Sidecar::new(&info, shape, layout.as_ref(), &how.file, format, &digest);
    Sidecar { lossy: Some(lossy.clone()), ..sidecar }.write(&bin, how.force)?;
    console.note(&format!(
        "{} : {} rows of {} float32, {}; {} values inexact, {} cut, {} columns left out",
        Escaped(&info.path),
        table.entries,
        table.width(),
        bytes(digest.len),
        lossy.inexact,
        lossy.cut,
        lossy.left_out.len()
    ));
    Ok(digest.len)
}

/// A row of a padded matrix; the values of a column share a group.
fn row<R: std::io::Read + std::io::Seek>(table: &Padded<'_, R>) -> Option<RecordLayout> {
    let mut fields = Vec::new();
    for (group, column) in (0u32..).zip(&table.columns) {
        for i in 0..column.values {
            let name = if column.values > 1 {
                format!("{}[{i}]", column.name)
            } else {
                column.name.clone()
            };
            let offset = (column.at + i).checked_mul(4)?;
            fields.push(Field { name, offset, kind: Kind::F32, endian: Endian::Little, group });
            if fields.len() > vxc::tokens::layout::MAX_FIELDS {
                return None;
            }
        }
    }
    RecordLayout::new(table.width() * 4, fields).ok()
}

/// An output that hashes what is written.
struct Hashed {
    out: Output,
    hasher: ContentHasher,
}

impl Hashed {
    fn open(path: &Path, force: bool) -> Result<Self, Failure> {
        let out = Target::Path(path.to_owned()).open(force, Terminal::Forced)?;
        Ok(Self { out, hasher: ContentHasher::new() })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.hasher.update(bytes);
        self.out.write_all(bytes).map_err(|e| self.out.explain(e))
    }

    fn finish(self) -> (Output, vxc::ContentDigest) {
        (self.out, self.hasher.digest())
    }
}

/// Names of files in a folder, made of paths: no two alike, nothing that a file system could take for something else.
struct Names<'a> {
    folder: &'a Path,
    taken: HashSet<String>,
}

impl<'a> Names<'a> {
    fn new(folder: &'a Path) -> Self {
        Self { folder, taken: HashSet::new() }
    }

    fn of(&mut self, path: &str) -> PathBuf {
        let plain = |c: char| match c {
            '/' => '.',
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') => c,
            _ => '_',
        };
        let name: String = path.chars().map(plain).take(LONGEST).collect();
        let name = name.trim_matches('.');
        let name = if name.is_empty() { "array" } else { name };
        let mut found = name.to_owned();
        let mut n = 1;
        // Some file systems do not tell capitals.
        while !self.taken.insert(found.to_ascii_lowercase()) {
            n += 1;
            found = format!("{name}~{n}");
        }
        self.folder.join(format!("{found}.bin"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_differ() {
        let folder = Path::new("out");
        let mut names = Names::new(folder);
        let of = |names: &mut Names<'_>, path: &str| names.of(path).to_str().unwrap().to_owned();
        assert_eq!(of(&mut names, "a/b.lengths"), "out/a.b.lengths.bin");
        assert_eq!(of(&mut names, "a/B.lengths"), "out/a.B.lengths~2.bin");
        assert_eq!(of(&mut names, "../../etc"), "out/etc.bin");
        assert_eq!(of(&mut names, ""), "out/array.bin");
        assert_eq!(of(&mut names, "\u{1b}[2J n\u{e9}"), "out/__2J_n_.bin");
        assert!(of(&mut names, &"x".repeat(1000)).len() < 200);
    }
}
