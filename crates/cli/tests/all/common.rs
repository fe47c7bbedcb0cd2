//! Runs the real program in a folder of its own, on generated inputs.
#![allow(dead_code, reason = "every test file uses its part")]

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder that goes with the test.
pub struct Folder(tempfile::TempDir);

/// What a run gave.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub out: Vec<u8>,
    pub err: String,
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: impl AsRef<Path>, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn has(&self, name: impl AsRef<Path>) -> bool {
        fs::symlink_metadata(self.path(name)).is_ok()
    }

    /// Names in the folder, hidden ones too, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The program, to be run here with an empty input.
    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vxc"));
        command.args(args).current_dir(self.0.path()).env_remove("VXC_ISA");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Outcome {
        Outcome::of(&mut self.command(args))
    }

    /// Runs with bytes on standard input.
    pub fn pipe<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Outcome {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes = input.to_vec();
        let feed = std::thread::spawn(move || {
            // A program that fails early closes its end.
            let _ = stdin.write_all(&bytes);
        });
        let output = child.wait_with_output().unwrap();
        feed.join().unwrap();
        Outcome::from(output)
    }
}

impl Outcome {
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    fn from(o: std::process::Output) -> Self {
        let err = String::from_utf8_lossy(&o.stderr).into_owned();
        Self { code: o.status.code(), out: o.stdout, err }
    }

    /// Asserts success and gives what was printed.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self
    }

    /// Asserts a failure: the code, and exactly one line that says all of `words`.
    #[track_caller]
    pub fn bad(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        assert!(self.err.starts_with("vxc: "), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in {:?}", self.err);
        }
        self
    }

    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }
}

/// A 64-bit linear congruential sequence.
pub fn noise(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

/// `rows` records of 24 bytes: pt, eta, phi, m, pt·cosh η as f32, and a counter as i32.
pub fn table(rows: u32) -> Vec<u8> {
    let mut next = noise(7);
    let mut unit = || (next() % 100_003) as f32 / 100_003.0;
    let mut out = Vec::new();
    for row in 0..rows {
        let pt = 20.0 + 80.0 * unit() * unit();
        let eta = 5.0 * unit() - 2.5;
        for value in [pt, eta, 6.0 * unit(), 0.1 * pt * unit(), pt * eta.cosh()] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&(row / 3).to_le_bytes());
    }
    out
}

/// The layout file of [`table`].
pub const TABLE_LAYOUT: &str = r#"{"record_bytes": 24, "dtype": [["pt", "<f4"], ["eta", "<f4"],
  ["phi", "<f4"], ["m", "<f4"], ["p", "<f4"], ["row", "<i4"]]}"#;

/// Lines of numbers.
pub fn text(lines: u32) -> Vec<u8> {
    let mut next = noise(3);
    (0..lines)
        .flat_map(|i| format!("P {i} {} {}.5e-03\n", next() % 22, next() % 999).into_bytes())
        .collect()
}

/// A scientific file of the repository, by its name below the fixtures of `vxc-data`.
pub fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/fixtures");
    fs::read(folder.join(name)).unwrap()
}

/// Whether a program of the system is there; says so if not.
pub fn have(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// Whether [`peak_of`] works here.
pub fn peaks_are_measured() -> bool {
    let measured = cfg!(target_os = "linux");
    if !measured {
        println!("skipped: peak memory is measured on Linux only");
    }
    measured
}

/// Runs to the end, which must be with this code, and gives the peak of the resident set in MiB, as the system counts it. A
/// program that ends before the first look is run again.
#[track_caller]
pub fn peak_of(f: &Folder, args: &[&str], code: i32) -> u64 {
    let seen = (0..50).find_map(|_| peak_seen(f, args, code));
    seen.unwrap_or_else(|| panic!("{args:?}: the peak was not seen in 50 runs"))
}

/// One run of [`peak_of`]; none where nothing was seen.
#[track_caller]
fn peak_seen(f: &Folder, args: &[&str], code: i32) -> Option<u64> {
    // Nobody reads what it says, and a full pipe would hold it up.
    let mut command = f.command(args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let file = format!("/proc/{}/status", child.id());
    let mut last = None;
    let status = loop {
        let status = fs::read_to_string(&file).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        last = kib.map(|kib| kib >> 10).or(last);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    assert_eq!(status.code(), Some(code), "{args:?}");
    last
}
