//! Panics: a fault of the program, which costs the file that it happened at and no other. What was being
//! written is removed while the stack unwinds.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Mutex, PoisonError};

use crate::failure::Failure;

/// Where and why the first panic since the last [`caught`] happened.
static WHERE: Mutex<Option<String>> = Mutex::new(None);

/// Keeps panics silent until [`caught`] tells of them.
pub fn install() {
    std::panic::set_hook(Box::new(remember));
}

fn remember(info: &PanicHookInfo<'_>) {
    let mut first = WHERE.lock().unwrap_or_else(PoisonError::into_inner);
    first.get_or_insert_with(|| info.to_string().replace('\n', " "));
}

/// Runs `work`; a panic in it, or in a thread that it waits for, becomes a failure.
///
/// # Errors
/// Those of `work`, and [`Failure::Internal`].
pub fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let place = WHERE.lock().unwrap_or_else(PoisonError::into_inner).take();
        Err(Failure::Internal(place.unwrap_or_else(|| "panicked".into())))
    })
}
