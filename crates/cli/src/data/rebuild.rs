//! `data rebuild`: arrays as one file that others read.

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use vxc_data::hdf5::write::{MAX_MESSAGE, NewDataset, type_bytes, write};
use vxc_data::npy::write::{NpzWriter, header};
use vxc_data::{ArrayInfo, DataError, Dtype, DtypeKind, Member};

use super::arrays::Arrays;
use crate::args::RebuildArgs;
use crate::console::{Console, Shown, bytes};
use crate::failure::Failure;
use crate::output::{Output, Target, Terminal};

/// An array of one of the sources: number of the source, of the array, what it is, and its whole shape.
#[derive(Clone)]
struct Chosen {
    source: usize,
    at: usize,
    info: ArrayInfo,
    shape: Vec<u64>,
    /// Of a table with more columns than one dataset can have: bytes of a row, and which of them these columns are.
    some: Option<(usize, Vec<Range<usize>>)>,
}

impl Chosen {
    /// The shape as its own format would have it.
    fn own_shape(&self) -> Vec<u64> {
        let mut shape = self.shape.clone();
        if self.info.fortran_order {
            shape.reverse();
        }
        shape
    }
}

/// Writes the file.
///
/// # Errors
/// What cannot be read, or not be written in this format.
pub fn run(how: &RebuildArgs, console: &Console) -> Result<(), Failure> {
    let ending = how.output.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    let ending = ending.unwrap_or_default();
    if !matches!(ending.as_str(), "npy" | "npz" | "h5" | "hdf5") {
        return Err(Failure::usage("the output must end in .npy, .npz, .h5 or .hdf5"));
    }
    let target = Target::new(how.output.clone());
    target.check(how.force, &[])?;
    let mut sources = Vec::new();
    let mut chosen = Vec::new();
    for (source, name) in how.sources.iter().enumerate() {
        let mut arrays = Arrays::open(name).map_err(|e| named(name, e))?;
        chosen.extend(choose(&mut arrays, source, &how.only)?);
        refused(&arrays, name, console);
        sources.push(arrays);
    }
    if chosen.is_empty() {
        return Err(Failure::usage("no array to write"));
    }
    let mut out = target.open(how.force, Terminal::Never)?;
    match ending.as_str() {
        "npy" => npy(&mut out, &mut sources, &chosen)?,
        "npz" => npz(&mut out, &mut sources, &chosen)?,
        _ => hdf5(&mut out, &mut sources, &chosen)?,
    }
    out.publish(&Default::default())?;
    let total = chosen.iter().fold(0u64, |sum, c| {
        let width = c.info.dtype.bytes as u64;
        sum.saturating_add(c.shape.iter().fold(width, |n, &dim| n.saturating_mul(dim)))
    });
    console.note(&format!("{} : {} arrays, {}", Shown(&how.output), chosen.len(), bytes(total)));
    Ok(())
}

/// The arrays of a source that were asked for.
fn choose(arrays: &mut Arrays, source: usize, only: &[String]) -> Result<Vec<Chosen>, Failure> {
    let all = arrays.chosen(only)?.into_iter().map(|at| {
        let (shape, info) = (arrays.shape(at)?, arrays.infos[at].clone());
        Ok(Chosen { source, at, info, shape, some: None })
    });
    all.collect()
}

/// Warns of what is left out.
fn refused(arrays: &Arrays, name: &Path, console: &Console) {
    if let Some((path, why)) = arrays.refused.first() {
        let (n, first) = (arrays.refused.len(), Shown(Path::new(path)));
        console.warning(
            name,
            &format!(
                "{n} columns or arrays are left out, which cannot be read, such as {first}: {why}"
            ),
        );
    }
}

fn named(name: &Path, e: Failure) -> Failure {
    match e {
        Failure::Data(e) => Failure::Data(DataError::Corruption(format!("{}: {e}", Shown(name)))),
        Failure::Usage(e) => Failure::Usage(format!("{}: {e}", Shown(name))),
        e => e,
    }
}

fn npy(out: &mut Output, sources: &mut [Arrays], chosen: &[Chosen]) -> Result<(), Failure> {
    let [one] = chosen else {
        return Err(Failure::usage(format!(
            "a .npy file holds one array, and these are {}: choose by --only, or write .npz",
            chosen.len()
        )));
    };
    let head = header(&one.info.dtype, &one.own_shape(), one.info.fortran_order)?;
    out.write_all(&head).map_err(|e| out.explain(e))?;
    copy(sources, one, &mut Explained(out))?;
    Ok(())
}

fn npz(out: &mut Output, sources: &mut [Arrays], chosen: &[Chosen]) -> Result<(), Failure> {
    let mut writer = NpzWriter::new(Explained(out));
    for one in chosen {
        let head = header(&one.info.dtype, &one.own_shape(), one.info.fortran_order)?;
        // A single array of a .npy file has no better name.
        let member = writer.array(&one.info.path, &head)?;
        copy(sources, one, member)?;
    }
    writer.finish()?;
    Ok(())
}

fn hdf5(out: &mut Output, sources: &mut [Arrays], chosen: &[Chosen]) -> Result<(), Failure> {
    let mut all = Vec::new();
    for one in chosen {
        all.extend(divided(one)?);
    }
    let chosen = &all;
    let datasets: Vec<NewDataset> = chosen
        .iter()
        .map(|one| NewDataset {
            path: spare(&one.info.path, chosen),
            dtype: one.info.dtype.clone(),
            shape: one.shape.clone(),
        })
        .collect();
    write(Explained(out), &datasets, |number, out| match chosen.get(number) {
        Some(one) => copy(sources, one, out),
        None => Ok(()),
    })?;
    Ok(())
}

/// Writes all arrays of a file as HDF5; gives their number.
///
/// # Errors
/// What cannot be read or written.
pub fn columns_as_hdf5(name: &Path, out: &mut Output, console: &Console) -> Result<usize, Failure> {
    let mut arrays = Arrays::open(name)?;
    let chosen = choose(&mut arrays, 0, &[])?;
    if chosen.is_empty() {
        return Err(Failure::usage("no columns that can be read; leave out --rebuild"));
    }
    refused(&arrays, name, console);
    hdf5(out, std::slice::from_mut(&mut arrays), &chosen)?;
    Ok(chosen.len())
}

/// A table as several, where the type of its rows is larger than HDF5 has them: `PATH/columns1` and so on.
fn divided(one: &Chosen) -> Result<Vec<Chosen>, Failure> {
    let DtypeKind::Compound(members) = &one.info.dtype.kind else { return Ok(vec![one.clone()]) };
    if type_bytes(&one.info.dtype)? <= MAX_MESSAGE {
        return Ok(vec![one.clone()]);
    }
    let mut out: Vec<Chosen> = Vec::new();
    let mut used = MAX_MESSAGE;
    for member in members {
        let alone = DtypeKind::Compound(vec![member.clone()]);
        let size = type_bytes(&Dtype { bytes: one.info.dtype.bytes, kind: alone })?;
        used = used.saturating_add(size);
        if used > MAX_MESSAGE {
            let mut next = one.clone();
            next.info.path = format!("{}/columns{}", one.info.path, out.len() + 1);
            next.info.dtype = Dtype { bytes: 0, kind: DtypeKind::Compound(Vec::new()) };
            next.some = Some((one.info.dtype.bytes, Vec::new()));
            out.push(next);
            used = size;
        }
        if let Some(Chosen { info, some: Some((_, ranges)), .. }) = out.last_mut()
            && let DtypeKind::Compound(own) = &mut info.dtype.kind
        {
            own.push(Member { offset: info.dtype.bytes, ..member.clone() });
            info.dtype.bytes += member.dtype.bytes;
            ranges.push(member.offset..member.offset + member.dtype.bytes);
        }
    }
    Ok(out)
}

/// A path that no other goes on from: a table that has arrays below it is `PATH/rows` in HDF5, where a name is either a group
/// or a dataset.
fn spare(path: &str, chosen: &[Chosen]) -> String {
    let below = |other: &str, path: &str| {
        other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
    };
    let mut name = path.to_owned();
    if chosen.iter().any(|other| below(&other.info.path, path)) {
        name.push_str("/rows");
        // A column may have that name.
        while chosen.iter().any(|o| o.info.path == name || below(&o.info.path, &name)) {
            name.push('_');
        }
    }
    name
}

fn copy(sources: &mut [Arrays], one: &Chosen, out: &mut dyn Write) -> Result<(), DataError> {
    let source = sources.get_mut(one.source);
    let source = source.ok_or_else(|| DataError::InvalidArgument("no such source".into()))?;
    let values = source.values(one.at)?;
    let Some((row, ranges)) = &one.some else {
        for values in values {
            out.write_all(&values?)?;
        }
        return Ok(());
    };
    let mut left = Vec::new();
    for values in values {
        left.extend(values?);
        let whole = left.len() - left.len() % row;
        let mut some = Vec::new();
        for row in left[..whole].chunks_exact(*row) {
            ranges.iter().for_each(|range| some.extend_from_slice(&row[range.clone()]));
        }
        out.write_all(&some)?;
        left.drain(..whole);
    }
    Ok(())
}

/// An output whose errors say what was being written.
struct Explained<'a>(&'a mut Output);

impl Write for Explained<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
