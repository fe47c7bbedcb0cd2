//! Completion scripts and manual pages.

use crate::common::Folder;

#[test]
fn every_shell_completes_every_command() {
    let f = Folder::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = f.run(&["completions", shell]).good();
        for word in ["compress", "rebuild", "extract", "completions"] {
            assert!(run.text().contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(f.run(&["completions", "sh"]).code, Some(2));
}

#[test]
fn every_command_has_a_page() {
    let f = Folder::new();
    let page = f.run(&["man"]).good();
    assert!(page.text().contains(".TH vxc 1") && page.text().contains("Exit codes"));
    f.run(&["man", "-o", "pages"]).good();
    let entries = std::fs::read_dir(f.path("pages")).unwrap();
    let names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    for name in ["vxc.1", "vxc-compress.1", "vxc-data.1", "vxc-data-extract.1", "vxc-train.1"] {
        assert!(names.iter().any(|n| n == name), "{name}: {names:?}");
    }
    f.write("file", b"");
    f.run(&["man", "-o", "file"]).bad(2, &["cannot write"]);
}
