//! `data rebuild`: arrays as one file that others read.

use std::io::{self, Write};
use std::path::Path;

use vxc_data::hdf5::write::{NewDataset, write};
use vxc_data::npy::write::{NpzWriter, header};
use vxc_data::{ArrayInfo, DataError};

use super::arrays::Arrays;
use crate::args::RebuildArgs;
use crate::console::{Console, Shown, bytes};
use crate::failure::Failure;
use crate::output::{Output, Target, Terminal};

/// An array of one of the sources: number of the source, of the array, what it is, and its whole shape.
struct Chosen {
    source: usize,
    at: usize,
    info: ArrayInfo,
    shape: Vec<u64>,
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
        for at in arrays.chosen(&how.only)? {
            let shape = arrays.shape(at)?;
            chosen.push(Chosen { source, at, info: arrays.infos[at].clone(), shape });
        }
        if let Some((path, why)) = arrays.refused.first() {
            let n = arrays.refused.len();
            let first = Shown(Path::new(path));
            console.warning(
                name,
                &format!("{n} columns or arrays cannot be read, such as {first}: {why}"),
            );
        }
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
    let total = chosen.iter().map(|c| c.shape.iter().product::<u64>() * c.info.dtype.bytes as u64);
    let total: u64 = total.sum();
    console.note(&format!("{} : {} arrays, {}", Shown(&how.output), chosen.len(), bytes(total)));
    Ok(())
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

/// A path that no other goes on from: a table that has arrays below it is `PATH/rows` in HDF5, where a name is either a group
/// or a dataset.
fn spare(path: &str, chosen: &[Chosen]) -> String {
    let below = |other: &str| other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    match chosen.iter().any(|other| below(&other.info.path)) {
        true => format!("{path}/rows"),
        false => path.to_owned(),
    }
}

fn copy(sources: &mut [Arrays], one: &Chosen, out: &mut dyn Write) -> Result<(), DataError> {
    let source = sources.get_mut(one.source);
    let source = source.ok_or_else(|| DataError::InvalidArgument("no such source".into()))?;
    for values in source.values(one.at)? {
        out.write_all(&values?)?;
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
