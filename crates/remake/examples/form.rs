//! Writes the unpacked form of a file to standard output: to look at it, or to give it to other compressors.

use std::fs::File;
use std::io::{BufReader, Write};
use vxc_remake::{RemakeError, pack, scan};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).ok_or("usage: form FILE > FORM")?;
    let open = || File::open(&name).map(BufReader::new);
    let plan = scan(open()?)?.ok_or("a file of a format that is not opened")?;
    let mut file = open()?;
    let mut out = std::io::stdout().lock();
    let tally = pack(&mut file, &plan, |group| {
        for section in group {
            out.write_all(&section.bytes).map_err(RemakeError::from)?;
        }
        Ok::<_, RemakeError>(())
    })?;
    eprintln!("{tally:?}");
    Ok(())
}
