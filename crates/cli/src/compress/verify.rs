//! Before an archive is published: whether it gives the content back.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use vxc::{DecodeLimits, Decoder, DecompressOptions, Error, FormatError, Summary};

use super::READ;
use crate::console::{Console, Shown};
use crate::failure::Failure;
use crate::options::Pack;
use crate::output::Pending;
use crate::progress::{Counters, Progress};
use crate::unpacked::{Broken, Counted, restore};

/// Decodes the archive as it stands on disk; its checksums are those of the bytes that were read.
pub(super) fn verify(
    pack: &Pack,
    pending: &mut Pending,
    name: &Path,
    summary: &Summary,
    console: &Console,
) -> Result<(), Failure> {
    let mut attempt = |threads, max_memory| {
        let label = format!("{} (verifying)", Shown(name));
        let progress = Progress::start(console, label, Some(summary.raw_bytes), Counters::one());
        let options = DecompressOptions {
            models: pack.model.iter().cloned().collect(),
            limits: DecodeLimits {
                max_memory,
                max_output: u64::MAX,
                max_model_bytes: u64::MAX,
                max_segment: u64::MAX,
            },
            threads,
        };
        let file = std::io::BufReader::with_capacity(READ, pending.read_back()?);
        Ok::<_, Failure>(decode_all(file, options, |n| {
            progress.counters.content.fetch_add(n, Relaxed);
        }))
    };
    let mut decoded = attempt(pack.threads, pack.memory)?;
    if let Err(Broken::Codec(Error::Format(FormatError::LimitExceeded { needed, .. }))) = decoded {
        // It was coded by one thread, above the limit; so it is decoded, and so will the user have to.
        let mib = needed.div_ceil(1 << 20);
        console
            .warning(name, &format!("decompressing takes more memory than -M: {mib} MiB or more"));
        decoded = attempt(1, u64::MAX)?;
    }
    match decoded {
        Ok(n) if n == summary.raw_bytes => Ok(()),
        Ok(n) => {
            let wanted = summary.raw_bytes;
            Err(Failure::Verify(format!("{n} bytes came back, not {wanted}")))
        }
        Err(e) => match Failure::from(e) {
            e if e.io_error().is_some() => Err(e),
            e => Err(Failure::Verify(e.to_string())),
        },
    }
}

/// Decodes everything and drops it; gives the number of bytes.
fn decode_all(
    reader: impl Read,
    options: DecompressOptions,
    count: impl FnMut(u64),
) -> Result<u64, Broken> {
    let limits = options.limits;
    let mut decoder = Decoder::new(reader, options)?;
    restore(&mut decoder, limits, Counted(count))
}
