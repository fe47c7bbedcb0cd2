//! What the program says: errors and summaries on standard error, results on standard output.
//!
//! Names come from outside: control characters in them are shown as escapes, so that no name can drive a
//! terminal or forge a line.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::path::Path;

use crate::failure::Failure;

/// How much to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// Errors only.
    Quiet,
    /// Summaries, warnings and progress.
    Normal,
    /// Also what was found in the input.
    Verbose,
}

/// The way out for everything that is said.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    talk: Talk,
    /// Whether standard error is a terminal.
    pub terminal: bool,
}

impl Console {
    /// With a level of talk.
    pub fn new(talk: Talk) -> Self {
        Self { talk, terminal: std::io::stderr().is_terminal() }
    }

    /// Whether more than errors is wanted.
    pub fn talks(&self) -> bool {
        self.talk >= Talk::Normal
    }

    /// Whether details are wanted.
    pub fn verbose(&self) -> bool {
        self.talk >= Talk::Verbose
    }

    /// An error, about a file where there is one.
    pub fn error(&self, name: Option<&Path>, failure: &Failure) {
        match name {
            Some(name) => error_line(&format!("{}: {failure}", Shown(name))),
            None => error_line(&failure.to_string()),
        }
    }

    /// Something that a user should know, though the work goes on.
    pub fn warning(&self, name: &Path, message: &str) {
        if self.talks() {
            error_line(&format!("{}: warning: {message}", Shown(name)));
        }
    }

    /// A line for people.
    pub fn note(&self, line: &str) {
        if self.talks() {
            // If nobody listens, there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// Prints `vxc: message` to standard error.
pub fn error_line(message: &str) {
    let _ = writeln!(std::io::stderr(), "vxc: {message}");
}

/// Prints a result, any number of lines, to standard output.
///
/// # Errors
/// [`Failure::Closed`] if the reader is gone, I/O.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unprinted)
}

/// Bytes of lines that are printed at a time, where there may be many.
pub const LINES: usize = 64 << 10;

/// What an error of standard output means.
pub fn unprinted(e: std::io::Error) -> Failure {
    match e.kind() {
        std::io::ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Io("standard output".into(), e),
    }
}

/// A name as it may be shown.
pub struct Shown<'a>(pub &'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Path::new("-") {
            return f.write_str("(stdin)");
        }
        Escaped(&self.0.to_string_lossy()).fmt(f)
    }
}

/// A text from outside as it may be shown: control characters are escapes.
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes for people: `12.3 MiB`.
pub fn bytes(n: u64) -> String {
    indicatif::HumanBytes(n).to_string()
}

/// `raw / coded`, 0 where nothing was coded.
pub fn ratio(raw: u64, coded: u64) -> f64 {
    if coded == 0 { 0.0 } else { raw as f64 / coded as f64 }
}

/// The size of records in words: `record 124 B`.
pub fn records(sizes: impl IntoIterator<Item = u64>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for size in sizes {
        let text = if size == 0 { "bytes".to_owned() } else { format!("record {size} B") };
        if !parts.contains(&text) {
            parts.push(text);
        }
    }
    parts.join(" + ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_drive_a_terminal() {
        assert_eq!(Shown(Path::new("a\x1b[2J\nb")).to_string(), "a\\u{1b}[2J\\nb");
        assert_eq!(Shown(Path::new("Jäger")).to_string(), "Jäger");
    }

    #[test]
    fn record_sizes_are_listed_once() {
        assert_eq!(records([0, 124, 0, 56]), "bytes + record 124 B + record 56 B");
    }
}
