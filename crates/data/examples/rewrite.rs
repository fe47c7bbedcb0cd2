//! `rewrite IN.h5 OUT.h5`: an HDF5 file written anew with all that it holds.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use vxc_data::hdf5::Hdf5File;
use vxc_data::hdf5::rewrite::rewrite;

fn main() -> Result<(), Box<dyn Error>> {
    let names: Vec<_> = std::env::args_os().skip(1).collect();
    let [from, to] = names.as_slice() else { return Err("usage: rewrite IN OUT".into()) };
    rewrite(&Hdf5File::open(File::open(from)?)?, BufWriter::new(File::create(to)?))?;
    Ok(())
}
