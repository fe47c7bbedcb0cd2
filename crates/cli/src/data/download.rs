//! `data download`: files over HTTPS. What has arrived stays in `NAME.part` until all has, and a later try, or a later run,
//! goes on from there; the file gets its name when its size and checksums are right.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ureq::Agent;
use vxc::ContentDigest;

use super::unpack;
use crate::args::DownloadArgs;
use crate::console::{Console, Shown, bytes, hex};
use crate::failure::Failure;
use crate::meta::with_suffix;
use crate::progress::{Counters, Progress};

const BUFFER: usize = 1 << 16;
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Fetches all URLs.
///
/// # Errors
/// The first that cannot be had; what arrived of it stays for a later run, unless it is wrong.
pub fn run(how: &DownloadArgs, console: &Console) -> Result<(), Failure> {
    let into_folder = how.output.is_dir();
    if how.urls.len() > 1 && !into_folder {
        return Err(Failure::usage("several files need -o FOLDER, one that is there"));
    }
    let checked = how.bytes.is_some() || how.adler32.is_some() || how.blake3.is_some();
    if how.urls.len() > 1 && checked {
        return Err(Failure::usage("--bytes, --adler32 and --blake3 are for one file"));
    }
    if !(how.wait.is_finite() && how.wait >= 0.0) {
        return Err(Failure::usage("--wait is a number of seconds"));
    }
    for url in &how.urls {
        let path = if into_folder { how.output.join(name_of(url)?) } else { how.output.clone() };
        if path.exists() && !how.force {
            let shown = Shown(&path);
            return Err(Failure::usage(format!(
                "{shown} exists already and is not replaced without -f"
            )));
        }
        let n =
            Download { how, url, path: &path, part: with_suffix(&path, ".part") }.run(console)?;
        console.note(&format!("{} : {}", Shown(&path), bytes(n)));
        if how.unpack {
            let folder = path.parent().unwrap_or(Path::new("."));
            if !unpack::into(&path, folder, None, how.force, console)? {
                console.warning(&path, "is neither gzip nor tar and was not unpacked");
            }
        }
    }
    Ok(())
}

/// The name that a URL ends in.
fn name_of(url: &str) -> Result<String, Failure> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let plain =
        !name.is_empty() && !matches!(name, "." | "..") && !name.contains(['\\', '\0', ':']);
    if plain && path.contains("://") && !path.ends_with("://") {
        Ok(name.to_owned())
    } else {
        Err(Failure::usage(format!("{url} names no file; give one with -o")))
    }
}

struct Download<'a> {
    how: &'a DownloadArgs,
    url: &'a str,
    path: &'a Path,
    part: PathBuf,
}

/// How a try ended that did not bring the file.
enum Trouble {
    /// Another try may help.
    Passing(String),
    /// None will.
    Final(Failure),
}

impl Trouble {
    fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} {}", Shown(path));
        move |e| Self::Final(Failure::Io(what, e))
    }
}

impl Download<'_> {
    fn run(&self, console: &Console) -> Result<u64, Failure> {
        let address = match self.url.strip_prefix("root://") {
            // The same servers answer to HTTPS, under the same path with one slash.
            Some(rest) => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                format!("https://{host}/{}", path.trim_start_matches('/'))
            }
            None => self.url.to_owned(),
        };
        if !address.starts_with("https://") && !address.starts_with("http://") {
            return Err(Failure::usage(format!("{}: only https, http and root", self.url)));
        }
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(120)))
            .timeout_per_read(Some(Duration::from_secs(120)))
            .build()
            .into();
        let mut wait = Duration::from_secs_f64(self.how.wait);
        let mut left = self.how.retries;
        loop {
            match self.attempt(&agent, &address, console) {
                Ok(()) => break,
                Err(Trouble::Final(e)) => match self.by_xrootd(console)? {
                    true => break,
                    false => return Err(e),
                },
                Err(Trouble::Passing(why)) if left == 0 => match self.by_xrootd(console)? {
                    true => break,
                    false => {
                        let e = io::Error::other(why);
                        return Err(Failure::Io(format!("cannot fetch {}", self.url), e));
                    }
                },
                Err(Trouble::Passing(why)) => {
                    left -= 1;
                    let seconds = wait.as_secs_f64();
                    console.warning(self.path, &format!("{why}; again in {seconds:.1} s"));
                    std::thread::sleep(wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
        self.publish()
    }

    /// One request; the part is complete where it succeeds.
    fn attempt(&self, agent: &Agent, address: &str, console: &Console) -> Result<(), Trouble> {
        let have = fs::metadata(&self.part).map_or(0, |m| m.len());
        let tag = fs::read_to_string(self.tag()).unwrap_or_default();
        // Without a mark of the version that it is of, a rest may be of another; a checksum would tell.
        let checked = self.how.adler32.is_some() || self.how.blake3.is_some();
        let resume = have > 0 && (!tag.is_empty() || checked);
        if resume && self.how.bytes == Some(have) {
            return Ok(());
        }
        let mut request = agent.get(address).header("accept-encoding", "identity");
        if resume {
            request = request.header("range", format!("bytes={have}-"));
            if !tag.is_empty() {
                request = request.header("if-range", &tag);
            }
        }
        let response = request.call().map_err(|e| match e {
            ureq::Error::BadUri(e) => Trouble::Final(Failure::usage(format!("{}: {e}", self.url))),
            e => Trouble::Passing(e.to_string()),
        })?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
        };
        let length = header("content-length").and_then(|n| n.parse::<u64>().ok());
        let start = match status {
            200 => 0,
            206 if resume => {
                let range = header("content-range").unwrap_or_default();
                if !range.trim_start_matches("bytes ").starts_with(&format!("{have}-")) {
                    self.forget()?;
                    return Err(Trouble::Passing(format!(
                        "the server answered with bytes {range}"
                    )));
                }
                have
            }
            416 => {
                let whole =
                    header("content-range").and_then(|r| r.rsplit('/').next()?.parse().ok());
                if whole == Some(have) && self.how.bytes.is_none_or(|n| n == have) {
                    return Ok(());
                }
                self.forget()?;
                return Err(Trouble::Passing("what is here does not fit what is there".into()));
            }
            408 | 425 | 429 | 500..=599 => {
                return Err(Trouble::Passing(format!("the server answered {status}")));
            }
            status => {
                let what = format!("{}: the server answered {status}", self.url);
                return Err(Trouble::Final(Failure::Io(what, io::ErrorKind::NotFound.into())));
            }
        };
        let total = length.map(|n| start + n);
        if let (Some(total), Some(wanted)) = (total, self.how.bytes)
            && total != wanted
        {
            let what = format!("{}: the server has {total} bytes, {wanted} were wanted", self.url);
            return Err(Trouble::Final(Failure::Verify(what)));
        }
        let mark =
            header("etag").filter(|t| !t.starts_with("W/")).or_else(|| header("last-modified"));
        let mut out = self.open(start, mark.as_deref())?;
        let label = Shown(self.path).to_string();
        let progress = Progress::start(console, label, total, Counters::one());
        let count = &progress.counters.content;
        count.store(start, Relaxed);
        let most = total.or(self.how.bytes).unwrap_or(u64::MAX);
        let mut reader = response.into_body().into_reader();
        let (mut buffer, mut at) = (vec![0; BUFFER], start);
        let ended = loop {
            match reader.read(&mut buffer) {
                Ok(0) => break None,
                Ok(n) => {
                    out.write_all(&buffer[..n]).map_err(Trouble::io("cannot write", &self.part))?;
                    at += n as u64;
                    count.store(at, Relaxed);
                    if at > most {
                        break Some("more bytes came than there are".to_owned());
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => break Some(e.to_string()),
            }
        };
        out.sync_all().map_err(Trouble::io("cannot write", &self.part))?;
        drop(progress);
        match (ended, total) {
            _ if at > most => {
                self.forget()?;
                Err(Trouble::Final(Failure::Verify(format!(
                    "{}: more than {most} bytes",
                    self.url
                ))))
            }
            (None, Some(total)) if at < total => {
                Err(Trouble::Passing(format!("the connection ended at byte {at} of {total}")))
            }
            (None, _) => Ok(()),
            (Some(why), _) => Err(Trouble::Passing(format!("{why}, at byte {at}"))),
        }
    }

    /// The part, to be written from `start` on.
    fn open(&self, start: u64, mark: Option<&str>) -> Result<File, Trouble> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(Trouble::io("cannot make", folder))?;
        }
        let mut options = File::options();
        options.create(true).write(true);
        if start > 0 {
            options.append(true)
        } else {
            options.truncate(true)
        };
        let file = options.open(&self.part).map_err(Trouble::io("cannot write", &self.part))?;
        match mark {
            Some(mark) => {
                fs::write(self.tag(), mark).map_err(Trouble::io("cannot write", &self.part))?
            }
            None => drop(fs::remove_file(self.tag())),
        }
        Ok(file)
    }

    /// Where the version is noted that the part is of.
    fn tag(&self) -> PathBuf {
        with_suffix(&self.part, ".tag")
    }

    fn forget(&self) -> Result<(), Trouble> {
        let _ = fs::remove_file(self.tag());
        match fs::remove_file(&self.part) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(Trouble::io("cannot remove", &self.part)(e))
            }
            _ => Ok(()),
        }
    }

    /// Whether xrdcp brought the file, for what only XRootD has.
    fn by_xrootd(&self, console: &Console) -> Result<bool, Failure> {
        if !self.url.starts_with("root://") {
            return Ok(false);
        }
        console.warning(self.path, "not to be had by HTTPS; trying xrdcp");
        let run = Command::new("xrdcp").arg("--force").arg(self.url).arg(&self.part).status();
        match run {
            Ok(status) => Ok(status.success()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(Failure::Io("cannot run xrdcp".into(), e)),
        }
    }

    /// Checks the part and gives it its name.
    fn publish(&self) -> Result<u64, Failure> {
        let wrap = Failure::io(format!("cannot read {}", Shown(&self.part)));
        let digest = File::open(&self.part).and_then(ContentDigest::of).map_err(wrap)?;
        let hex = hex(&digest.blake3);
        let adler = format!("{:08x}", digest.adler32);
        let mut wrong = Vec::new();
        if let Some(wanted) = self.how.bytes.filter(|&n| n != digest.len) {
            wrong.push(format!("{} bytes, not {wanted}", digest.len));
        }
        let differs = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().filter(|w| !w.eq_ignore_ascii_case(found)).cloned()
        };
        if let Some(wanted) = differs(&self.how.adler32, &adler) {
            wrong.push(format!("Adler-32 {adler}, not {wanted}"));
        }
        if let Some(wanted) = differs(&self.how.blake3, &hex) {
            wrong.push(format!("BLAKE3 {hex}, not {wanted}"));
        }
        if !wrong.is_empty() {
            // A rest of what is wrong would be wrong again.
            let _ = fs::remove_file(&self.part);
            let _ = fs::remove_file(self.tag());
            return Err(Failure::Verify(format!("{}: {}", self.url, wrong.join(", "))));
        }
        fs::rename(&self.part, self.path)
            .map_err(Failure::io(format!("cannot write {}", Shown(self.path))))?;
        let _ = fs::remove_file(self.tag());
        Ok(digest.len)
    }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn names_of_urls() {
        assert_eq!(name_of("https://a.b/c/d.h5?x=/y#z").unwrap(), "d.h5");
        assert_eq!(name_of("root://host//eos/f.root").unwrap(), "f.root");
        for url in ["https://a.b/", "https://a.b/..", "https://", "d.h5", "https://a/b\\c"] {
            assert!(name_of(url).is_err(), "{url}");
        }
    }
}
