//! Weight archives, hostile ones as they are and with checksums that hold; and checkpoints: any file comes back at any
//! level.

use std::io::{Cursor, Read, Seek, SeekFrom};

use vxc_zipnn::{Archive, Level, Limits, Options, Plan, compress, extract};

use crate::reseal;

const LIMITS: Limits = Limits { max_output: 1 << 20, max_memory: 64 << 20 };

/// The input: after a byte 1 to 3, a checkpoint for that level; else a weight archive.
pub fn run(data: &[u8]) {
    match data {
        [level @ 1..=3, file @ ..] => round_trip(*level, file),
        _ => {
            read(data);
            let mut sealed = data.to_vec();
            reseal::weights(&mut sealed);
            read(&sealed);
        }
    }
}

fn round_trip(level: u8, file: &[u8]) {
    let file = &file[..file.len().min(1 << 18)];
    let options =
        Options { level: Level::new(level).unwrap_or_default(), threads: 1, verify: true };
    let mut archive = Vec::new();
    compress(&mut Cursor::new(file), &mut archive, &options, |_| ()).expect("everything is coded");
    let mut open = Archive::open(Cursor::new(&archive), Limits::default()).expect("it opens");
    let mut back = Vec::new();
    open.decode_all(&mut back, 1, |_| ()).expect("it decodes");
    assert!(back == file, "other bytes came back");
}

fn read(bytes: &[u8]) {
    let Ok(mut archive) = Archive::open(Cursor::new(bytes), LIMITS) else { return };
    let mut content = Vec::new();
    let whole = archive.decode_all(&mut content, 2, |_| ()).is_ok();
    let middle = archive.raw_len() / 2;
    let mut range = Vec::new();
    if archive.seek(SeekFrom::Start(middle)).is_ok()
        && archive.by_ref().take(100).read_to_end(&mut range).is_ok()
        && whole
    {
        assert!(content[middle as usize..].starts_with(&range), "a range differs");
    }
    let Ok(mut archive) = Archive::open(Cursor::new(bytes), LIMITS) else { return };
    if let Ok(tensors) = archive.tensors() {
        let plan = Plan::of(&mut archive).expect("what fits can be read without limits");
        assert!(plan.tensors == tensors, "limits change the list");
        let names: Vec<String> = tensors.iter().take(2).map(|t| t.name.clone()).collect();
        let mut file = Vec::new();
        if let Ok(written) = extract(&mut archive, &names, &mut file) {
            assert_eq!(written, file.len() as u64);
        }
    }
}
