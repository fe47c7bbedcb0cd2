//! What the program says: errors and summaries on standard error, results on standard output.
//!
//! Names come from outside: control characters in them are shown as escapes, so that no name can drive a
//! terminal or forge a line.

use std::fmt::{self, Write as _};
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
            Some(name) => error_line(&format!("{}: {}", Shown(name), Escaped(failure))),
            None => error_line(&Escaped(failure).to_string()),
        }
    }

    /// Something that a user should know, though the work goes on.
    pub fn warning(&self, name: &Path, message: &str) {
        if self.talks() {
            error_line(&format!("{}: warning: {}", Shown(name), Escaped(message)));
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

/// A text from outside as it may be shown: control characters are escapes. It is made as it is written, for it may be long.
pub struct Escaped<T>(pub T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// Escapes what is written to it.
struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| c.is_control()) {
            let (plain, behind) = rest.split_at(at);
            self.0.write_str(plain)?;
            write!(self.0, "{}", c.escape_default())?;
            rest = behind.get(c.len_utf8()..).unwrap_or_default();
        }
        self.0.write_str(rest)
    }
}

/// Bytes of a text, without making it.
pub fn length(text: impl fmt::Display) -> usize {
    let mut count = Count::default();
    // Counting cannot fail.
    let _ = write!(count, "{text}");
    count.bytes
}

/// Characters of a text, or `most` if there are more.
pub fn width(text: impl fmt::Display, most: usize) -> usize {
    let mut count = Count { most, ..Count::default() };
    // An end is no failure: there are enough.
    let _ = write!(count, "{text}");
    count.chars.min(most)
}

/// Counts what is written to it, to the end or until there are so many characters.
struct Count {
    bytes: usize,
    chars: usize,
    most: usize,
}

impl Default for Count {
    fn default() -> Self {
        Self { bytes: 0, chars: 0, most: usize::MAX }
    }
}

impl fmt::Write for Count {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes += text.len();
        self.chars += text.chars().take(self.most).count();
        if self.chars < self.most { Ok(()) } else { Err(fmt::Error) }
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
    fn texts_are_counted_as_they_are_shown() {
        let name = Escaped("ä\x7f\n");
        assert_eq!(name.to_string(), "ä\\u{7f}\\n");
        assert_eq!((length(&name), width(&name, 100), width(&name, 9)), (10, 9, 9));
        assert_eq!((width(&name, 8), width(&name, 1), width("", 5)), (8, 1, 0));
    }

    #[test]
    fn record_sizes_are_listed_once() {
        assert_eq!(records([0, 124, 0, 56]), "bytes + record 124 B + record 56 B");
    }
}
