//! `data extract` of gzip and tar: members into a folder.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use vxc_data::DataError;
use vxc_data::packed::{PackedLimits, Wrapping, cause, unpack};

use crate::args::ExtractArgs;
use crate::console::{Console, Shown, bytes};
use crate::failure::Failure;
use crate::input::open_file;
use crate::output::{Target, Terminal};

/// What may always come out, and how many times the size of the file.
const FREE: u64 = 1 << 30;
const TIMES: u64 = 200;
const MEMBERS: u64 = 1_000_000;

/// Unpacks a file that is gzip or tar; false for any other.
///
/// # Errors
/// Damage, unsafe names, limits, I/O.
pub fn run(how: &ExtractArgs, console: &Console) -> Result<bool, Failure> {
    into(&how.file, &how.output, how.max_output, how.force, console)
}

/// Unpacks `file` into a folder; false where it is neither gzip nor tar.
///
/// # Errors
/// As [`run`].
pub fn into(
    name: &Path,
    folder: &Path,
    most: Option<u64>,
    force: bool,
    console: &Console,
) -> Result<bool, Failure> {
    let (file, meta) = open_file(name)?;
    let limit = most.unwrap_or_else(|| FREE.max(meta.len().saturating_mul(TIMES)));
    let limits = PackedLimits { bytes: limit, members: MEMBERS };
    let (mut files, mut total) = (0u64, 0u64);
    let (wrapping, passed_over) = unpack(file, name, limits, |path, member| {
        let n = write(&folder.join(path), member, force)?;
        files += 1;
        total += n;
        if console.verbose() {
            console.note(&format!("{} : {}", Shown(path), bytes(n)));
        }
        Ok::<_, Failure>(())
    })?;
    if wrapping == (Wrapping { gzip: false, tar: false }) {
        return Ok(false);
    }
    if !passed_over.is_empty() {
        let n = passed_over.len();
        let first = Shown(Path::new(&passed_over[0])).to_string();
        console.warning(
            name,
            &format!("{n} members are no files and were passed over, such as {first}"),
        );
    }
    console.note(&format!(
        "{} : {files} files, {} in {}",
        Shown(name),
        bytes(total),
        Shown(folder)
    ));
    Ok(true)
}

fn write(path: &Path, member: &mut dyn Read, force: bool) -> Result<u64, Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .map_err(Failure::io(format!("cannot make {}", Shown(folder))))?;
    }
    let mut out = Target::Path(path.to_owned()).open(force, Terminal::Forced)?;
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    loop {
        let n = match member.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(DataError::into(cause(e))),
        };
        io::Write::write_all(&mut out, &buffer[..n]).map_err(|e| out.explain(e))?;
        total += n as u64;
    }
    out.publish_one_of_many()?;
    Ok(total)
}
