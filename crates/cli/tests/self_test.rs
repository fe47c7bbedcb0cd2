//! This machine computes what all others do, with every instruction set and number of threads.

mod common;

use common::Folder;

#[test]
fn every_instruction_set_gives_the_known_hashes() {
    let f = Folder::new();
    let done = f.run(&["self-test"]).good();
    let lines: Vec<&str> = done.text().lines().collect();
    assert!(lines.len() >= 2 && lines.iter().all(|l| l.ends_with("as they must be")), "{lines:?}");
    assert!(lines[0].starts_with("scalar, 1 thread"), "{lines:?}");
}
