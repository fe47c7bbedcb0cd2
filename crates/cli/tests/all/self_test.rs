//! This machine computes what all others do, with every instruction set and number of threads.

use crate::common::Folder;

#[test]
fn every_instruction_set_gives_the_known_hashes() {
    let f = Folder::new();
    let done = f.run(&["self-test"]).good();
    let lines: Vec<&str> = done.text().lines().collect();
    assert!(lines.iter().all(|l| l.ends_with("as they must be")), "{lines:?}");
    // With one thread and with two, and nothing that the processor has is left out.
    let mut sets = 1;
    #[cfg(target_arch = "x86_64")]
    {
        sets += usize::from(std::arch::is_x86_feature_detected!("sse4.1"));
        sets += usize::from(std::arch::is_x86_feature_detected!("avx2"));
    }
    #[cfg(target_arch = "aarch64")]
    {
        sets += usize::from(std::arch::is_aarch64_feature_detected!("neon"));
    }
    assert_eq!(lines.len(), 2 * sets, "{lines:?}");
    assert!(lines[0].starts_with("scalar, 1 thread"), "{lines:?}");
}
