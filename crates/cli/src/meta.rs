//! What is kept of a file beside its bytes: time, permissions, owner, name; and which file it is.

use std::ffi::{OsStr, OsString};
use std::fs::{File, FileTimes, Metadata};
use std::io;
use std::path::{Component, Path};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Permission bits that are kept; set-id and sticky bits are not.
const MODE_MASK: u32 = 0o777;

/// What a new file is to look like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looks {
    /// Modification time.
    pub mtime: Option<SystemTime>,
    /// Permission bits.
    pub mode: Option<u32>,
    /// User and group.
    pub owner: Option<(u32, u32)>,
}

impl Looks {
    /// Those of an existing file.
    pub fn of(meta: &Metadata) -> Self {
        Self { mtime: meta.modified().ok(), mode: mode(meta), owner: owner(meta) }
    }

    /// Gives them to an open file. The owner is kept where the system allows it.
    ///
    /// # Errors
    /// I/O.
    pub fn apply(&self, file: &File) -> io::Result<()> {
        if let Some(mode) = self.mode {
            let kept = self.owner.is_none_or(|(user, group)| give(file, user, group));
            // Another group must not get what was granted to the original one.
            let mode = if kept { mode } else { mode & !0o070 };
            set_mode(file, mode & MODE_MASK)?;
        }
        if let Some(mtime) = self.mtime {
            file.set_times(FileTimes::new().set_modified(mtime))?;
        }
        Ok(())
    }
}

/// Nanoseconds since 1970-01-01 UTC, where 64 bits hold them (1677 to 2262).
pub fn to_nanos(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).ok(),
        Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|n| -n),
    }
}

/// The inverse of [`to_nanos`].
pub fn from_nanos(nanos: i64) -> Option<SystemTime> {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    if nanos < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// A name out of an archive as a file name; none if it is more than one plain component.
pub fn safe_name(stored: &[u8]) -> Option<OsString> {
    let name = from_bytes(stored)?;
    if stored.iter().any(|&b| matches!(b, 0 | b'/' | b'\\')) {
        return None;
    }
    let mut components = Path::new(&name).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(one)), None) if one == name => Some(name),
        _ => None,
    }
}

/// Appends to a name that need not be UTF-8.
pub fn with_suffix(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The path without `.vxc`; none if it has another end, or nothing before it.
pub fn without_suffix(path: &Path) -> Option<std::path::PathBuf> {
    let name = path.file_name()?.as_encoded_bytes();
    let ours = path.extension() == Some(OsStr::new("vxc")) && name.len() > 4;
    ours.then(|| path.with_extension(""))
}

#[cfg(unix)]
mod system {
    use super::{File, Metadata, OsStr, OsString, io};
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    /// Permission bits.
    pub fn mode(meta: &Metadata) -> Option<u32> {
        Some(meta.mode() & super::MODE_MASK)
    }

    pub fn owner(meta: &Metadata) -> Option<(u32, u32)> {
        Some((meta.uid(), meta.gid()))
    }

    pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
        file.set_permissions(std::fs::Permissions::from_mode(mode))
    }

    /// Whether the file has the group now; the user follows where that is allowed.
    pub fn give(file: &File, user: u32, group: u32) -> bool {
        let Ok(now) = file.metadata() else { return false };
        let grouped = now.gid() == group || fchown(file, None, Some(group)).is_ok();
        if now.uid() != user {
            // Only the superuser may; anyone else keeps what is theirs.
            let _ = fchown(file, Some(user), None);
        }
        grouped
    }

    /// A name in the bytes of the system.
    pub fn to_bytes(name: &OsStr) -> Vec<u8> {
        name.as_bytes().to_vec()
    }

    pub fn from_bytes(name: &[u8]) -> Option<OsString> {
        Some(OsString::from_vec(name.to_vec()))
    }

    /// Device and number, equal for two names of one file.
    pub fn identity(meta: &Metadata) -> Option<(u64, u64)> {
        Some((meta.dev(), meta.ino()))
    }
}

#[cfg(not(unix))]
mod system {
    use super::{File, Metadata, OsStr, OsString, io};

    /// There are no permission bits.
    pub fn mode(_: &Metadata) -> Option<u32> {
        None
    }

    pub fn owner(_: &Metadata) -> Option<(u32, u32)> {
        None
    }

    pub fn set_mode(_: &File, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub fn give(_: &File, _: u32, _: u32) -> bool {
        true
    }

    /// A name in UTF-8.
    pub fn to_bytes(name: &OsStr) -> Vec<u8> {
        name.to_string_lossy().into_owned().into_bytes()
    }

    pub fn from_bytes(name: &[u8]) -> Option<OsString> {
        String::from_utf8(name.to_vec()).ok().map(OsString::from)
    }

    /// Not known.
    pub fn identity(_: &Metadata) -> Option<(u64, u64)> {
        None
    }
}

use system::{from_bytes, give, owner, set_mode};
pub use system::{identity, mode, to_bytes};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_and_after_1970_round_trip() {
        for n in [0, 1, -1, 1_700_000_000_123_456_789, i64::MAX, -i64::MAX] {
            assert_eq!(from_nanos(n).and_then(to_nanos), Some(n));
        }
    }

    #[test]
    fn stored_names_stay_in_the_folder() {
        assert_eq!(safe_name(b"jets.bin"), Some("jets.bin".into()));
        for bad in [&b""[..], b".", b"..", b"a/b", b"/a", b"a/", b"a\\b", b"a\0b"] {
            assert_eq!(safe_name(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_suffix_comes_off() {
        let plain = |p: &str| without_suffix(Path::new(p));
        assert_eq!(plain("d/a.bin.vxc"), Some("d/a.bin".into()));
        for none in ["a.bin", ".vxc", "d/.vxc", "a.VXC", "vxc", ""] {
            assert_eq!(plain(none), None, "{none}");
        }
        // A dot more: the whole rest is the name.
        assert_eq!(plain("a..vxc"), Some("a.".into()));
    }
}
