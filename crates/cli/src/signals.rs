//! Interruption: INT, TERM and HUP remove the file that is being written; then the program dies by the
//! signal, as its parent expects.
//!
//! A file is created, published and dropped under one lock ([`registry`]), which the signal thread takes
//! before it removes anything and never gives back: at no time is there a file that it does not know, and
//! it never removes what has been published.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use crate::failure::Failure;

static REGISTRY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The temporary files that exist now. Held while one is created, renamed or removed.
pub fn registry() -> MutexGuard<'static, Vec<PathBuf>> {
    REGISTRY.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Starts to listen.
///
/// # Errors
/// If the system does not allow it.
#[cfg(unix)]
pub fn install() -> Result<(), Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let ignored = ignored();
    // A background job or `nohup` has them ignored: they stay so.
    let wanted: Vec<i32> = [SIGHUP, SIGINT, SIGTERM]
        .into_iter()
        .filter(|&signal| ignored & (1 << (signal - 1)) == 0)
        .collect();
    let mut signals =
        signal_hook::iterator::Signals::new(wanted).map_err(Failure::io("signals"))?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if let Some(signal) = signals.forever().next() {
                let files = registry();
                for file in files.iter() {
                    // Nothing more can be done about a file that cannot be removed.
                    let _ = std::fs::remove_file(file);
                }
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        })
        .map_err(Failure::io("signals"))?;
    Ok(())
}

/// Nothing to do where there are no signals.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn install() -> Result<(), Failure> {
    Ok(())
}

/// The set of ignored signals, bit n − 1 for signal n; none where the system does not say.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
