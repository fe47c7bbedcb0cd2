//! Writes the seeds of all targets to FOLDER/TARGET/, for a coverage-guided fuzzer; with further folders, their HDF5, ROOT,
//! NumPy and checkpoint files too. `seeds run TARGET FILE…` runs a target on files.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use vxc_fuzz::{seeds, targets};

fn main() -> io::Result<()> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match args.as_slice() {
        [run, target, files @ ..] if run == Path::new("run") => {
            let named = target.to_str().and_then(targets::named);
            let target = named.ok_or_else(|| io::Error::other("no such target"))?;
            for file in files {
                println!("{}", file.display());
                target(&fs::read(file)?);
            }
            Ok(())
        }
        [out, folders @ ..] => {
            for (target, _) in targets::ALL {
                let folder = out.join(target);
                fs::create_dir_all(&folder)?;
                for (name, bytes) in seeds::of(target) {
                    fs::write(folder.join(name), bytes)?;
                }
                folders.iter().try_for_each(|from| copy(target, from, &folder))?;
            }
            Ok(())
        }
        [] => Err(io::Error::other("usage: seeds FOLDER [FILES…] | seeds run TARGET FILE…")),
    }
}

/// Copies the files that a target can start from.
fn copy(target: &str, from: &Path, to: &Path) -> io::Result<()> {
    let wanted: &[&str] = match target {
        "hdf5" => &["h5", "hdf5"],
        "root" => &["root"],
        "remake" => &["h5", "hdf5", "root", "gz"],
        "numpy" => &["npy", "npz"],
        _ => &[],
    };
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        // Large ones leave a fuzzer few runs.
        if let Some(name) = path.file_name()
            && wanted.contains(&extension)
            && fs::metadata(&path)?.len() < 400 << 10
        {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
