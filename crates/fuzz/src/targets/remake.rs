//! Files made of compressed blocks: any file comes back from its unpacked form; a hostile form gives a file within the
//! limit, or an error.

use std::io::Cursor;
use std::slice;

use vxc_remake::form::before_gap;
use vxc_remake::{Limits, RemakeError};

use crate::input::LIMITS;

/// The input: a ROOT, HDF5 or gzip file.
pub fn run(data: &[u8]) {
    let Ok(Some(plan)) = vxc_remake::scan(Cursor::new(data.to_vec())) else { return };
    let mut form = Vec::new();
    let packed = vxc_remake::pack(&mut Cursor::new(data), &plan, |group| {
        group.iter().for_each(|section| form.extend_from_slice(&section.bytes));
        Ok::<_, RemakeError>(())
    });
    match packed {
        Ok(_) => {}
        Err(RemakeError::LimitExceeded { .. }) => return,
        Err(e) => panic!("damage is no error of packing: {e}"),
    }
    let mut file = Vec::new();
    let limits = Limits::of_file(data.len() as u64);
    vxc_remake::unpack(&form[..], &mut file, limits).expect("what was packed unpacks");
    assert!(file == data, "another file came back");
    let mut beginning = Vec::new();
    let whole = damaged(&form, &mut beginning, limits).expect("the rest is intact");
    assert!(!whole || form.is_empty(), "nothing was lost");
    assert!(data.starts_with(&beginning), "the beginning is another file's");
}

/// Unpacks a form of which an eighth is lost, at a place that its bytes choose.
fn damaged(form: &[u8], file: &mut Vec<u8>, limits: Limits) -> Result<bool, RemakeError> {
    let sum = form.iter().fold(0usize, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let from = sum % form.len().max(1);
    let to = form.len().min(from + form.len() / 8 + 1);
    let mut bytes = form.to_vec();
    bytes[from..to].fill(0x5A);
    let gap = from as u64..to as u64;
    let intact = |range| before_gap(slice::from_ref(&gap), range);
    vxc_remake::unpack_damaged(&bytes[..], intact, file, limits)
}

/// The input: an unpacked form.
pub fn form(data: &[u8]) {
    let limits = Limits { file: LIMITS.max_output, memory: LIMITS.max_memory };
    let mut file = Vec::new();
    if vxc_remake::unpack(data, &mut file, limits).is_ok() {
        assert!(file.len() as u64 <= LIMITS.max_output);
    }
    file.clear();
    let _ = damaged(data, &mut file, limits);
    assert!(file.len() as u64 <= LIMITS.max_output);
}
