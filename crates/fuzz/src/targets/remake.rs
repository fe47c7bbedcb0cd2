//! Files made of compressed blocks: any file comes back from its unpacked form; a hostile form gives a file within the
//! limit, or an error.

use std::io::Cursor;

use vxc_remake::RemakeError;

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
    vxc_remake::unpack(&form[..], &mut file, data.len() as u64).expect("what was packed unpacks");
    assert!(file == data, "another file came back");
}

/// The input: an unpacked form.
pub fn form(data: &[u8]) {
    let mut file = Vec::new();
    if vxc_remake::unpack(data, &mut file, LIMITS.max_output).is_ok() {
        assert!(file.len() as u64 <= LIMITS.max_output);
    }
}
