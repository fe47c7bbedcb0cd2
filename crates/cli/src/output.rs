//! Outputs: standard output, a device, or a file that appears under its name only when it is complete.
//!
//! A file is written beside its destination under a temporary name. [`Output::publish`] gives it time and
//! permissions, brings it to the disk, renames it (without replacing anything, unless forced) and brings the
//! folder to the disk. Whatever fails or panics before leaves no file.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempPath};

use crate::failure::Failure;
use crate::input::same_file;
use crate::meta::Looks;
use crate::signals::registry;

/// Large enough that system calls do not count.
const BUFFER: usize = 1 << 18;

/// Where a result is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A path.
    Path(PathBuf),
}

/// What may be written to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// Nothing.
    Never,
    /// Text.
    Text,
    /// Everything: the user insists.
    Forced,
}

/// An open output.
pub enum Output {
    /// Standard output; text only where it is a terminal and the user did not insist.
    Stdout {
        /// The stream.
        out: BufWriter<io::Stdout>,
        /// Whether only text may be written.
        text_only: bool,
    },
    /// A device or pipe that exists already.
    Device(BufWriter<File>),
    /// A file that has no name yet.
    Pending(Pending),
}

/// A file that has no name yet.
pub struct Pending {
    out: BufWriter<File>,
    temporary: Option<TempPath>,
    destination: PathBuf,
    replace: bool,
}

impl Target {
    /// The target that a `-o` value means.
    pub fn new(path: PathBuf) -> Self {
        if path == Path::new("-") || path == Path::new("/dev/stdout") {
            Self::Stdout
        } else {
            Self::Path(path)
        }
    }

    /// Refuses a target that cannot be, before any work is done: an existing file without `force`, a folder,
    /// or one of the `inputs`.
    ///
    /// # Errors
    /// Usage.
    pub fn check<'a>(
        &self,
        force: bool,
        inputs: impl IntoIterator<Item = &'a fs::Metadata>,
    ) -> Result<(), Failure> {
        let Self::Path(path) = self else { return Ok(()) };
        let shown = crate::console::Shown(path);
        if path.file_name().is_none() {
            return Err(Failure::usage(format!("the output {shown} is not the name of a file")));
        }
        let Ok(link) = fs::symlink_metadata(path) else { return Ok(()) };
        let meta = fs::metadata(path).unwrap_or_else(|_| link.clone());
        if inputs.into_iter().any(|input| same_file(input, &meta)) {
            return Err(Failure::usage(format!("the output {shown} is the input itself")));
        }
        if meta.is_dir() {
            return Err(Failure::usage(format!("the output {shown} is a directory")));
        }
        if !force && (meta.is_symlink() || meta.is_file()) {
            return Err(exists(path));
        }
        Ok(())
    }

    /// Opens the output.
    ///
    /// # Errors
    /// I/O; binary data and a terminal.
    pub fn open(&self, force: bool, terminal: Terminal) -> Result<Output, Failure> {
        self.open_as(force, terminal, &Looks::default())
    }

    /// Opens an output that will be published with these looks: until then nobody else may read what they would not let
    /// him read.
    ///
    /// # Errors
    /// As [`Target::open`].
    pub fn open_as(
        &self,
        force: bool,
        terminal: Terminal,
        looks: &Looks,
    ) -> Result<Output, Failure> {
        let path = match self {
            Self::Path(path) => path,
            Self::Stdout => {
                let is_terminal = io::stdout().is_terminal();
                if is_terminal && terminal == Terminal::Never {
                    return Err(Failure::usage(
                        "binary data is not written to a terminal; redirect it, or use -f",
                    ));
                }
                return Ok(Output::Stdout {
                    out: BufWriter::with_capacity(BUFFER, io::stdout()),
                    text_only: is_terminal && terminal == Terminal::Text,
                });
            }
        };
        let device = fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir());
        if device {
            let file = File::options().write(true).open(path).map_err(cannot_write(path))?;
            return Ok(Output::Device(BufWriter::with_capacity(BUFFER, file)));
        }
        Pending::create(path, force, looks).map(Output::Pending)
    }
}

fn exists(path: &Path) -> Failure {
    let shown = crate::console::Shown(path);
    Failure::usage(format!("{shown} exists already and is not replaced without -f"))
}

fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    Failure::io(format!("cannot write {}", crate::console::Shown(path)))
}

impl Pending {
    fn create(path: &Path, replace: bool, looks: &Looks) -> Result<Self, Failure> {
        let mut builder = Builder::new();
        builder.prefix(".vxc-").suffix(".tmp");
        #[cfg(unix)]
        {
            // What the umask makes of an ordinary new file, and stays so; or the owner's alone until it is published.
            use std::os::unix::fs::PermissionsExt;
            let mode = if looks.mode.is_some() { 0o600 } else { 0o666 };
            builder.permissions(fs::Permissions::from_mode(mode));
        }
        let mut registry = registry();
        let file = builder.tempfile_in(folder(path)).map_err(|e| cannot_write(path)(cause(e)))?;
        let (file, temporary) = file.into_parts();
        registry.push(temporary.to_path_buf());
        Ok(Self {
            out: BufWriter::with_capacity(BUFFER, file),
            temporary: Some(temporary),
            destination: path.to_owned(),
            replace,
        })
    }

    /// The bytes written so far, from the first one, as a file of its own cursor's right. Nothing may be
    /// written afterwards.
    ///
    /// # Errors
    /// I/O.
    pub fn read_back(&mut self) -> Result<File, Failure> {
        let wrap = |e| cannot_write(&self.destination)(e);
        self.out.flush().map_err(wrap)?;
        let mut file = self.out.get_ref().try_clone().map_err(wrap)?;
        file.seek(SeekFrom::Start(0)).map_err(wrap)?;
        Ok(file)
    }

    fn publish(&mut self, looks: &Looks, durable: bool) -> Result<(), Failure> {
        let wrap = |e| cannot_write(&self.destination)(e);
        self.out.flush().map_err(wrap)?;
        let file = self.out.get_ref();
        looks.apply(file).map_err(wrap)?;
        if durable {
            file.sync_all().map_err(wrap)?;
        }
        {
            let mut registry = registry();
            let Some(temporary) = self.temporary.take() else { return Ok(()) };
            let known = temporary.to_path_buf();
            let result = if self.replace {
                temporary.persist(&self.destination)
            } else {
                temporary.persist_noclobber(&self.destination)
            };
            if let Err(e) = result {
                // Back to its place, so that it is removed like any other.
                self.temporary = Some(e.path);
                return Err(match e.error.kind() {
                    io::ErrorKind::AlreadyExists => exists(&self.destination),
                    _ => wrap(e.error),
                });
            }
            registry.retain(|path| *path != known);
        }
        if durable {
            sync_folder(folder(&self.destination)).map_err(wrap)?;
        }
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let mut registry = registry();
            registry.retain(|path| path != &*temporary);
            drop(temporary);
        }
    }
}

/// The system's error without the temporary name, which would only confuse.
fn cause(e: io::Error) -> io::Error {
    let inner = e.get_ref().and_then(std::error::Error::source);
    match inner.and_then(|c| c.downcast_ref::<io::Error>()).and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => e,
    }
}

/// The folder of a path.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Brings a folder's entries to the disk, where the file system can.
fn sync_folder(folder: &Path) -> io::Result<()> {
    let Ok(open) = File::open(folder) else { return Ok(()) };
    match open.sync_all() {
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(e)
        }
        _ => Ok(()),
    }
}

impl Output {
    /// Whether it is a file that can be read back before it is published.
    pub fn is_file(&self) -> bool {
        matches!(self, Self::Pending(_))
    }

    /// Where a file lies that is complete and has no name yet.
    ///
    /// # Errors
    /// I/O.
    pub fn written(&mut self) -> Result<Option<PathBuf>, Failure> {
        let Self::Pending(pending) = self else { return Ok(None) };
        pending.read_back()?;
        Ok(pending.temporary.as_ref().map(|path| path.to_path_buf()))
    }

    /// Completes the output: a file gets its name.
    ///
    /// # Errors
    /// I/O; a file of the name that appeared meanwhile.
    pub fn publish(&mut self, looks: &Looks) -> Result<(), Failure> {
        match self {
            Self::Stdout { out, .. } => out.flush().map_err(|e| self.explain(e)),
            Self::Device(out) => out.flush().map_err(|e| self.explain(e)),
            Self::Pending(pending) => pending.publish(looks, true),
        }
    }

    /// The same for one of many files that can be made again: it does not wait for the disk.
    ///
    /// # Errors
    /// As [`Output::publish`].
    pub fn publish_one_of_many(&mut self) -> Result<(), Failure> {
        match self {
            Self::Pending(pending) => pending.publish(&Looks::default(), false),
            other => other.publish(&Looks::default()),
        }
    }

    /// An error of writing.
    pub fn explain(&self, e: io::Error) -> Failure {
        match self {
            Self::Stdout { .. } if e.kind() == io::ErrorKind::BrokenPipe => Failure::Closed,
            Self::Stdout { .. } => Failure::Io("cannot write".into(), e),
            Self::Device(_) => Failure::Io("cannot write".into(), e),
            Self::Pending(pending) => cannot_write(&pending.destination)(e),
        }
    }

    /// What a failure of the library means when it was writing here.
    pub fn explain_codec(&self, e: vxc::Error) -> Failure {
        match e {
            vxc::Error::Io(e) | vxc::Error::Format(vxc::FormatError::Io(e)) => self.explain(e),
            e => e.into(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout { text_only: true, .. } if !is_text(bytes) => Err(io::Error::other(
                "the content is binary and is not written to a terminal; redirect it, or use -f",
            )),
            Self::Stdout { out, .. } => out.write(bytes),
            Self::Device(out) => out.write(bytes),
            Self::Pending(pending) => pending.out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout { out, .. } => out.flush(),
            Self::Device(out) => out.flush(),
            Self::Pending(pending) => pending.out.flush(),
        }
    }
}

/// Whether bytes are UTF-8 text that cannot drive a terminal. A letter may be cut at either end.
fn is_text(bytes: &[u8]) -> bool {
    let mut at = 0;
    bytes.utf8_chunks().all(|chunk| {
        let plain = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
        let invalid = at + chunk.valid().len();
        at = invalid + chunk.invalid().len();
        let cut = chunk.invalid().is_empty() || at <= 3 || invalid + 3 >= bytes.len();
        cut && chunk.valid().chars().all(plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, replace: bool, bytes: &[u8]) -> Result<(), Failure> {
        let target = Target::Path(path.to_owned());
        let mut output = target.open(replace, Terminal::Never)?;
        output.write_all(bytes).unwrap();
        output.publish(&Looks::default())
    }

    #[test]
    fn nothing_is_replaced_unless_forced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write(&path, false, b"one").unwrap();
        // As if it had appeared after the check.
        assert!(matches!(write(&path, false, b"two"), Err(Failure::Usage(_))));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write(&path, true, b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_dropped_output_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::Path(folder.path().join("x"));
        let mut output = target.open(true, Terminal::Never).unwrap();
        output.write_all(&[0; 1 << 20]).unwrap();
        drop(output);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn text_is_told_from_binary() {
        let text = "É 1.5\tJäger\r\n";
        assert!(is_text(text.as_bytes()));
        // A letter cut in two.
        assert!(is_text(&text.as_bytes()[1..]) && is_text(&"abcdeÉ".as_bytes()[..6]));
        assert!(!is_text(b"\x1b[2J") && !is_text(b"a\0b") && !is_text("a\u{9b}b".as_bytes()));
        assert!(!is_text(&[b'a', b'b', b'c', b'd', 0xFF, b'e', b'f', b'g', b'h']));
    }
}
