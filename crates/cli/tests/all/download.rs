//! `vxc data download` against a server that cuts, lies, moves and fails.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use crate::common::Folder;

/// How a server behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As it should, with ranges and a tag.
    Good,
    /// The connection ends after a third of what is left, each time.
    Cut,
    /// Knows no ranges, and cuts the first answer.
    NoRanges,
    /// Answers 503 twice.
    Busy,
    /// The first answer is cut, and then the file is another one.
    Changing,
    /// Nothing is there.
    Missing,
}

struct Server {
    port: u16,
    requests: Arc<AtomicUsize>,
}

fn content(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    };
    (0..300_000).map(|_| next()).collect()
}

impl Server {
    fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let n = count.fetch_add(1, SeqCst);
                // A client that went away is no failure of the server.
                let _ = answer(&mut stream.unwrap(), manner, n);
            }
        });
        Self { port, requests }
    }

    fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }
}

fn answer(stream: &mut TcpStream, manner: Manner, n: usize) -> std::io::Result<()> {
    let mut range = None;
    let mut if_range = None;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let lower = line.trim().to_ascii_lowercase();
        if lower.is_empty() {
            break;
        }
        if let Some(value) = lower.strip_prefix("range: bytes=") {
            range = value.trim_end_matches('-').parse::<usize>().ok();
        }
        if let Some(value) = lower.strip_prefix("if-range: ") {
            if_range = Some(value.to_owned());
        }
    }
    let changed = manner == Manner::Changing && n > 0;
    let (file, tag) = (content(u64::from(changed)), if changed { "\"b\"" } else { "\"a\"" });
    let fail = |stream: &mut TcpStream, status: &str| {
        stream.write_all(
            format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
    };
    match manner {
        Manner::Missing => return fail(stream, "404 Not Found"),
        Manner::Busy if n < 2 => return fail(stream, "503 Service Unavailable"),
        _ => {}
    }
    let fresh = if_range.is_none_or(|t| t == tag);
    let start = range.filter(|_| manner != Manner::NoRanges && fresh).unwrap_or(0);
    if start >= file.len() && start > 0 {
        let head = format!(
            "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            file.len()
        );
        return stream.write_all(head.as_bytes());
    }
    let body = &file[start..];
    let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
    let mut head = format!(
        "HTTP/1.1 {status}\r\nETag: {tag}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    if start > 0 {
        head += &format!("Content-Range: bytes {start}-{}/{}\r\n", file.len() - 1, file.len());
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    let cut = match manner {
        Manner::Cut => (body.len() / 3).max(20_000),
        Manner::NoRanges | Manner::Changing if n == 0 => 100_000,
        _ => body.len(),
    };
    stream.write_all(&body[..cut.min(body.len())])
}

fn adler32(bytes: &[u8]) -> String {
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    });
    format!("{:08x}", b << 16 | a)
}

#[test]
fn files_arrive_whole_whatever_happens() {
    let sum = adler32(&content(0));
    for (manner, requests) in [
        (Manner::Good, 1..=1),
        (Manner::Cut, 3..=12),
        (Manner::NoRanges, 2..=2),
        (Manner::Busy, 3..=3),
    ] {
        let (f, server) = (Folder::new(), Server::new(manner));
        let url = server.url("dir/file.h5?download=1");
        let args = [
            "data",
            "download",
            &url,
            "--wait",
            "0.01",
            "--retries",
            "20",
            "--bytes",
            "300000",
            "--adler32",
            &sum,
        ];
        f.run(&args).good();
        assert!(f.read("file.h5") == content(0));
        assert_eq!(f.names(), ["file.h5"]);
        assert!(requests.contains(&server.requests.load(SeqCst)));
        // What is there is not replaced.
        let again = f.run(&["data", "download", &url]);
        assert_eq!(again.code, Some(2), "{}", again.err);
    }
}

#[test]
fn a_later_run_goes_on() {
    let (f, server) = (Folder::new(), Server::new(Manner::Cut));
    let url = server.url("file");
    let first = f.run(&["data", "download", &url, "-o", "x", "--retries", "0"]);
    assert_eq!(first.code, Some(2), "{}", first.err);
    let so_far = f.read("x.part").len();
    assert!(so_far >= 100_000 && !f.has("x"));
    f.run(&["data", "download", &url, "-o", "x", "--wait", "0", "--retries", "20"]).good();
    assert!(f.read("x") == content(0));
    assert_eq!(f.names(), ["x"]);
}

#[test]
fn a_file_that_changed_is_fetched_anew() {
    let (f, server) = (Folder::new(), Server::new(Manner::Changing));
    f.run(&["data", "download", &server.url("x"), "--wait", "0"]).good();
    assert!(f.read("x") == content(1));
}

#[test]
fn what_is_wrong_is_not_kept() {
    let server = Server::new(Manner::Good);
    for flags in [["--bytes", "299999"], ["--adler32", "00000001"], ["--blake3", "00"]] {
        let f = Folder::new();
        let run = f.run(&["data", "download", &server.url("x"), flags[0], flags[1], "--wait", "0"]);
        assert_eq!(run.code, Some(1), "{}", run.err);
        assert_eq!(f.names(), [""; 0], "{flags:?}");
    }
    let (f, missing) = (Folder::new(), Server::new(Manner::Missing));
    let run = f.run(&["data", "download", &missing.url("x"), "--wait", "0"]);
    assert!(run.code == Some(2) && run.err.contains("404"), "{}", run.err);
    assert_eq!(missing.requests.load(SeqCst), 1);
    for url in ["ftp://127.0.0.1/x", "file:///etc/passwd", "nonsense", &server.url("..")] {
        assert_eq!(f.run(&["data", "download", url]).code, Some(2), "{url}");
    }
    let nobody =
        f.run(&["data", "download", "http://127.0.0.1:1/x", "--retries", "1", "--wait", "0"]);
    assert_eq!(nobody.code, Some(2), "{}", nobody.err);
    assert_eq!(f.names(), [""; 0]);
}
