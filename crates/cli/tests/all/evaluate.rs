//! `evaluate`, as a user runs it; the report is opened in a browser where there is one.

use std::path::Path;
use std::process::Command;

use crate::common::Folder;

fn sample() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/ftag_jets.bin");
    // Enough for a layout, few enough for the slowest baseline.
    std::fs::read(path).unwrap()[..124 * 1500].to_vec()
}

#[test]
fn tables_csv_json_and_report() {
    let folder = Folder::new();
    folder.write("jets & <more>.bin", &sample());
    let done = folder.run(&[
        "evaluate",
        "--levels",
        "1,5",
        "--rounds",
        "1",
        "--record",
        "124",
        "--json",
        "r.json",
        "--csv",
        "r.csv",
        "--report",
        "r.html",
        "jets & <more>.bin",
    ]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let table = String::from_utf8(done.out).unwrap();
    for name in [
        "vxc -1",
        "vxc -5",
        "gzip -6",
        "gzip -9",
        "zlib -6",
        "xz -9",
        "zstd -3",
        "zstd -19",
        "brotli -11",
        "lz4",
        "bzip2 -9",
        "pco 8 flat",
        "pco 8 per column",
        "shuffle 4 + zstd -9",
    ] {
        assert!(table.contains(&format!("| {name} ")), "{name} in {table}");
    }
    assert!(table.contains("times as fast"), "{table}");
    let json: serde_json::Value = serde_json::from_slice(&folder.read("r.json")).unwrap();
    let file = &json["files"][0];
    let rows = file["contenders"].as_array().unwrap();
    // What is reported is what the program makes.
    let own = folder.run(&["-5", "--record", "124", "--no-name", "-c", "jets & <more>.bin"]);
    assert_eq!(rows[1]["coded"], own.out.len(), "{}", rows[1]);
    assert!(rows.iter().all(|r| r["lossless"] == true));
    let best = rows.iter().map(|r| r["coded"].as_u64().unwrap()).min();
    assert!(rows.iter().any(|r| r["coded"].as_u64() == best && r["pareto"] == true));
    assert_eq!(file["fields"].as_array().unwrap().len(), 31);
    assert_eq!(folder.read("r.csv").iter().filter(|&&b| b == b'\n').count(), rows.len() + 1);
    let page = String::from_utf8(folder.read("r.html")).unwrap();
    assert!(page.contains("jets &amp; &lt;more&gt;.bin") && !page.contains("<more>"));
    assert!(!page.contains("http://") && !page.contains("https://"), "it needs nothing else");
    let again = folder.run(&["evaluate", "--levels", "1", "--json", "r.json", "jets & <more>.bin"]);
    assert_eq!(again.code, Some(2), "results are not replaced");
    browser(&folder, "r.html");
}

/// Opens a page in headless Chromium: no message on the console, no scrolling sideways on a phone.
fn browser(folder: &Folder, page: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/report.sh");
    let run = Command::new("bash")
        .arg(script)
        .args([folder.path(page), folder.path("shots")])
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&run.stdout);
    println!("{out}");
    assert!(run.status.success(), "{out}\n{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = Folder::new();
    folder.write("x", &sample()[..2000]);
    for (args, code) in [
        (&["evaluate"][..], 2),
        (&["evaluate", "--levels", "0", "x"], 2),
        (&["evaluate", "--levels", "8", "x"], 2),
        (&["evaluate", "missing"], 2),
        (&["evaluate", "-"], 2),
        (&["evaluate", "x", "-f", "--report", "x"], 2),
        (&["evaluate", "x", "--json", "y", "--csv", "y"], 2),
        (&["evaluate", "x", "--json", "-", "--csv", "-"], 2),
        (&["evaluate", "x", "--csv", "nowhere/y"], 2),
        (&["evaluate", "--model", "x", "x"], 3),
    ] {
        let done = folder.run(args);
        assert_eq!(done.code, Some(code), "{args:?}: {done:?}");
        assert_eq!(folder.names(), ["x"]);
    }
}

#[test]
fn files_without_records() {
    let folder = Folder::new();
    folder.write("empty", b"");
    folder.write("text", "a b c 1.5 2.5\n".repeat(300).as_bytes());
    let done = folder.run(&[
        "evaluate",
        "--levels",
        "3",
        "--rounds",
        "1",
        "--no-baselines",
        "--report",
        "r.html",
        "--json",
        "-",
        "empty",
        "text",
    ]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let json: serde_json::Value = serde_json::from_slice(&done.out).unwrap();
    assert_eq!(json["files"][0]["bytes"], 0);
    assert!(json["files"][1]["contenders"][0]["ratio"].as_f64().unwrap() > 10.0);
    browser(&folder, "r.html");
}
