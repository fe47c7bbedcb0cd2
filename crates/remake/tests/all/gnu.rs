//! Files that GNU gzip made: pinned streams of its version 1.12, and what the program makes where there is one.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use vxc_remake::codec::deflate::{GNU, raw};
use vxc_remake::{Limits, RemakeError, Tally, form, pack, scan, unpack};
use xxhash_rust::xxh64::xxh64;

/// XXH64 of the deflate streams of [`content`] by `gzip -1` to `-9`, and their bytes.
const STREAMS: [(u64, usize); 9] = [
    (0x768b_c38b_4c75_8e84, 326_179),
    (0x7b07_b6a3_1e32_7281, 322_634),
    (0x7966_4596_4d51_82e2, 319_485),
    (0x48b8_0d2b_e786_2335, 314_283),
    (0xef5f_c7b0_0d48_e36e, 310_714),
    (0x6835_2730_c4e6_00f8, 309_444),
    (0x3c6e_1f21_fe0d_435f, 308_561),
    (0xaae6_dbd6_0b06_cc80, 308_132),
    (0x604c_9775_f273_846d, 308_032),
];

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name)).unwrap()
}

/// Text, records, noise, runs and copies from far and near: every kind of block, and windows that move.
fn content() -> Vec<u8> {
    let (text, records) = (sample("py8_ttbar.hepmc"), sample("ftag_jets.bin"));
    let mut state = 1u32;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let mut out = Vec::new();
    while out.len() < 700_000 {
        let n = 1 + next(30_000);
        match next(6) {
            0 | 1 => out.extend(text.iter().skip(next(text.len() / 2)).take(n)),
            2 => out.extend(records.iter().skip(next(records.len() / 2)).take(n)),
            3 => out.extend((0..n).map(|_| next(256) as u8)),
            4 => out.extend(std::iter::repeat_n(next(256) as u8, n)),
            _ => {
                let from = out.len().saturating_sub(1 + next(40_000));
                out.extend_from_within(from..out.len().min(from + n));
            }
        }
    }
    out
}

/// The form of a file, and what was opened.
fn packed(file: &[u8]) -> (Vec<u8>, Tally) {
    let plan = scan(Cursor::new(file.to_vec())).unwrap().unwrap();
    let mut form = Vec::new();
    let tally = pack(&mut Cursor::new(file), &plan, |group| {
        let bytes: usize = group.iter().map(|section| section.bytes.len()).sum();
        assert!(bytes as u64 <= form::MAX_GROUP);
        group.iter().for_each(|section| form.extend_from_slice(&section.bytes));
        Ok::<_, RemakeError>(())
    });
    (form, tally.unwrap())
}

/// Members made again, of a file that comes back.
fn round_trip(file: &[u8]) -> u64 {
    let (form, tally) = packed(file);
    let mut back = Vec::new();
    unpack(&form[..], &mut back, Limits::of_file(file.len() as u64)).unwrap();
    assert!(back == file);
    tally.remade
}

/// GNU gzip, if it is there.
struct Program(PathBuf);

impl Program {
    fn new(test: &str) -> Option<Self> {
        let version = Command::new("gzip").arg("--version").output().ok()?;
        if !version.stdout.starts_with(b"gzip ") {
            eprintln!("skipped: no GNU gzip");
            return None;
        }
        let name = format!("vxc-gnu-{test}-{}", std::process::id());
        Some(Self(std::env::temp_dir().join(name)))
    }

    /// From a file, as reads of a pipe may be short.
    fn gzip(&self, content: &[u8], level: u8) -> Vec<u8> {
        fs::write(&self.0, content).unwrap();
        let mut command = Command::new("gzip");
        command.arg(format!("-{level}")).stdin(fs::File::open(&self.0).unwrap());
        let out = command.stdout(Stdio::piped()).output().unwrap();
        assert!(out.status.success());
        out.stdout
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn streams_are_those_of_the_program() {
    let content = content();
    for (level, pinned) in (1..).zip(STREAMS) {
        let made = raw(GNU + level, &content).unwrap().unwrap();
        assert_eq!((xxh64(&made, 0), made.len()), pinned, "level {level}");
    }
}

#[test]
fn the_program_here_makes_the_same() {
    let Some(program) = Program::new("same") else { return };
    let content = content();
    for level in 1..=9 {
        assert_eq!(round_trip(&program.gzip(&content, level)), 1, "level {level}");
    }
    // Where the window is full, moves, and ends.
    for n in [0, 1, 2, 3, 4, 258, 262, 263, 32_768, 65_274, 65_535, 65_536, 65_537, 98_042, 98_304]
    {
        for level in [1, 3, 4, 6, 9] {
            let file = program.gzip(&content[..n], level);
            assert_eq!(round_trip(&file), 1, "{n} bytes, level {level}");
        }
    }
}

/// `head -c 30000 py8_ttbar.hepmc | gzip -n -6`, `head -c 20000 ftag_jets.bin | gzip -n -9` and
/// `head -c 9000 py8_ttbar.hepmc | gzip -n -1` of the samples, one behind the other, by GNU gzip 1.12.
#[test]
fn members_of_several_levels() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gnu.gz");
    let file = fs::read(path).unwrap();
    assert_eq!(round_trip(&file), 3);
    for at in (0..file.len()).step_by(file.len() / 50) {
        let mut damaged = file.clone();
        damaged[at] ^= 0x11;
        if scan(Cursor::new(damaged.clone())).unwrap().is_some() {
            round_trip(&damaged);
        }
    }
}

#[test]
fn contents_of_several_groups() {
    let Some(program) = Program::new("groups") else { return };
    let mut content = content().repeat(2 * form::GROUP as usize / 700_000 + 1);
    content.extend(b"a little more");
    for level in [1, 6] {
        let file = program.gzip(&content, level);
        assert_eq!(round_trip(&file), 1, "level {level}");
    }
}

/// Any setting encodes any content: a damaged form gives an error or other bytes.
#[test]
fn damaged_forms_do_not_panic() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gnu.gz");
    let (form, _) = packed(&fs::read(path).unwrap());
    let mut state = 7u64;
    let mut errors = 0;
    for _ in 0..3000 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = (state >> 16) as usize;
        let mut damaged = form.clone();
        // Half of them in the head and the recipe.
        let below = if random.is_multiple_of(2) { 40 } else { form.len() };
        damaged[(random >> 1) % below] ^= 1 << (state >> 61);
        errors +=
            usize::from(unpack(&damaged[..], std::io::sink(), Limits::of_file(1 << 20)).is_err());
    }
    assert!(errors > 500, "{errors}");
}
