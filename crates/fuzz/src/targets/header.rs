//! Hostile headers, as they are and with a checksum that holds: what is read is written back as the same bytes.

use vxc::Header;

use crate::reseal;

/// The input: a header.
pub fn run(data: &[u8]) {
    read(data);
    let mut sealed = data.to_vec();
    if reseal::header(&mut sealed).is_some() {
        read(&sealed);
    }
}

fn read(bytes: &[u8]) {
    if let Ok(header) = Header::read(bytes) {
        let mut again = Vec::new();
        header.write(&mut again).expect("what was read can be written");
        assert!(bytes.starts_with(&again), "a header has one serial form");
    }
}
