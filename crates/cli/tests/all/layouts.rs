//! Layouts: given, beside the input, wrong, contradicting; and what `list` and `inspect` say.

use crate::common::{Folder, TABLE_LAYOUT, table, text};

fn listed(f: &Folder, name: &str) -> serde_json::Value {
    let out = f.run(&["list", "--json", name]).good().out;
    serde_json::from_slice::<serde_json::Value>(&out).unwrap()[0].take()
}

#[test]
fn a_sidecar_is_used() {
    let f = Folder::new();
    f.write("jets.bin", &table(1000));
    for sidecar in ["jets.meta.json", "jets.bin.meta.json"] {
        f.write(sidecar, TABLE_LAYOUT.as_bytes());
        let done = f.run(&["-v", "-f", "-2", "jets.bin"]).good();
        // Its names are in what -v says.
        assert!(done.err.contains("record 24 B") && done.err.contains("pt"), "{}", done.err);
        assert!(!done.err.contains("warning"), "{}", done.err);
        std::fs::remove_file(f.path(sidecar)).unwrap();
    }
    let report = listed(&f, "jets.bin.vxc");
    assert_eq!((&report["record_bytes"], &report["fields"]), (&24.into(), &6.into()));
}

#[test]
fn a_bad_sidecar_is_a_warning() {
    let f = Folder::new();
    f.write("jets.bin", &table(2000));
    let other = r#"{"record_bytes": 20, "dtype": [["a", "<f8"], ["b", "<f8"], ["c", "<f4"]]}"#;
    for (sidecar, word) in [
        ("{ no json", "not used"),
        (r#"{"run": 7}"#, "not used"),
        (r#"{"dtype": [["a", "<f4"]], "record_bytes": 3}"#, "not used"),
        (other, "contradicts"),
    ] {
        f.write("jets.meta.json", sidecar.as_bytes());
        let done = f.run(&["-1f", "jets.bin"]).good();
        let warning = done.err.lines().next().unwrap();
        assert!(warning.contains("warning") && warning.contains(word), "{}", done.err);
        assert_eq!(listed(&f, "jets.bin.vxc")["record_bytes"], 24, "{sidecar}");
        // Not asked for, not mentioned.
        let done = f.run(&["-1f", "--no-sidecar", "jets.bin"]).good();
        assert!(!done.err.contains("warning"), "{}", done.err);
        assert!(f.run(&["-1qf", "jets.bin"]).good().err.is_empty());
    }
    // The same layout, asked for, is an error.
    f.write("other.json", other.as_bytes());
    f.run(&["-1f", "--layout", "other.json", "jets.bin"]).bad(2, &["other.json contradicts"]);
    assert_eq!(listed(&f, "jets.bin.vxc")["record_bytes"], 24);
}

#[test]
fn given_layouts_and_record_sizes() {
    let f = Folder::new();
    let raw = [table(500), vec![1; 5]].concat();
    f.write("jets.bin", &raw);
    f.write("l.json", TABLE_LAYOUT.as_bytes());
    for args in
        [&["--layout", "l.json"][..], &["--record", "24"], &["--record", "48"], &["--record", "7"]]
    {
        for level in ["-2", "-4"] {
            f.run(&[args, &[level, "-f", "jets.bin"]].concat()).good();
            assert_eq!(f.run(&["-dc", "jets.bin.vxc"]).good().out, raw);
            // The same through a pipe, whose length nobody knows.
            let piped = f.pipe(&[args, &[level]].concat(), &raw).good();
            assert_eq!(f.pipe(&["-d"], &piped.out).good().out, raw);
        }
    }
    // A record larger than the file.
    f.run(&["--record", "100000", "-f", "jets.bin"]).good();
    assert_eq!(f.run(&["-dc", "jets.bin.vxc"]).good().out, raw);
    f.run(&["--record", "24", "--layout", "l.json", "jets.bin"]).bad(2, &["--record"]);
}

#[test]
fn list_says_what_is_there() {
    let f = Folder::new();
    f.write("jets.bin", &table(1000));
    f.write("log", &text(100));
    f.run(&["-q", "-2", "jets.bin", "log"]).good();
    let table = f.run(&["-l", "jets.bin.vxc", "log.vxc"]).good();
    let lines: Vec<&str> = table.text().lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("Ratio") && lines[1].contains("24") && lines[2].contains("bytes"));
    assert!(f.run(&["-lv", "log.vxc"]).good().text().contains("blake3"));
    let out = f.run(&["list", "--json", "jets.bin.vxc", "missing", "log.vxc"]);
    assert_eq!(out.code, Some(2));
    let json: serde_json::Value = serde_json::from_slice(&out.out).unwrap();
    let jets = &json[0];
    assert_eq!(json.as_array().unwrap().len(), 2);
    assert_eq!(jets["content_bytes"], 24_000);
    assert_eq!(jets["name"], "jets.bin");
    assert_eq!(jets["file_bytes"], f.read("jets.bin.vxc").len());
    assert_eq!(jets["archives"][0]["blake3"].as_str().unwrap().len(), 64);
    let sum = |key: &str| -> u64 {
        jets["segments"].as_array().unwrap().iter().map(|s| s[key].as_u64().unwrap()).sum()
    };
    assert_eq!(sum("content_bytes"), 24_000);
    assert!(sum("file_bytes") < f.read("jets.bin.vxc").len() as u64);
    f.run(&["-l", "jets.bin"]).bad(1, &["jets.bin"]);
}

#[test]
fn inspect_says_where_the_bytes_go() {
    let f = Folder::new();
    f.write("jets.bin", &table(1000));
    f.write("jets.meta.json", TABLE_LAYOUT.as_bytes());
    let said = f.run(&["inspect", "jets.bin"]).good();
    for name in ["pt", "eta", "phi", "m", "p", "row"] {
        let found = said.text().lines().any(|l| l.split_whitespace().next() == Some(name));
        assert!(found, "{name} is not in {}", said.text());
    }
    f.run(&["-2", "jets.bin"]).good();
    assert!(f.run(&["inspect", "jets.bin.vxc"]).good().text().contains("records of 24 bytes"));
    f.write("log", &text(100));
    assert!(f.run(&["inspect", "log"]).good().text().contains("no records"));
    f.write("empty", b"");
    f.run(&["inspect", "empty"]).good();
}
