//! The event file as the `tensorboard` package of PyPI reads it.

use std::process::Command;

use vxc_train::tensorboard::EventWriter;

#[test]
fn tensorboard_reads_the_events_back() {
    let python = std::env::var("VXC_PYTHON").unwrap_or_else(|_| "python3".into());
    let here = env!("CARGO_MANIFEST_DIR");
    let found = Command::new(&python).args(["-c", "import tensorboard"]).output();
    if !found.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: {python} has no package tensorboard (set VXC_PYTHON to one that has)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(folder.path(), 0).unwrap();
    for step in [1, 200, 70_000] {
        writer
            .scalars(step, &[("loss", 1.5 * step as f64), ("bits_per_byte/train", 2.75)])
            .unwrap();
    }
    // A run that was killed after step 70,000 and goes on from step 200.
    let mut again = EventWriter::create(folder.path(), 200).unwrap();
    again.scalars(70_000, &[("loss", 105_000.0), ("bits_per_byte/train", 2.75)]).unwrap();
    let output = Command::new(&python)
        .arg(format!("{here}/tests/read_events.py"))
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let expected =
        "bits_per_byte/train: 1=2.75 200=2.75 70000=2.75\nloss: 1=1.5 200=300.0 70000=105000.0\n";
    assert_eq!(said, expected);
}
