//! `self-test`: known inputs, coded by every level and re-made by every encoder, against hashes that are the same on every
//! machine. What differs here would be an archive that another machine cannot read.
//!
//! A child process runs for each instruction set and for one and two threads. The hashes are those of
//! `self_test/golden.txt`, which `docs/determinism.md` shows; a change of any is a change of the format.

mod inputs;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use vxc::tokens::relation::math;
use vxc::{CompressOptions, DecompressOptions, Form, Level, Model};
use vxc_infer::{IntModel, Isa};
use vxc_remake::codec::{Codec, remake};

use crate::args::SelfTestArgs;
use crate::console::print;
use crate::failure::Failure;

/// The hashes, `name hash` a line.
const GOLDEN: &str = include_str!("self_test/golden.txt");

/// Threads that are tried.
const THREADS: [u16; 2] = [1, 2];

/// Runs the checks; gives the exit code.
///
/// # Errors
/// If they cannot run.
pub fn run(how: &SelfTestArgs) -> Result<u8, Failure> {
    if how.hashes {
        let lines = hashes(how.threads.into())?;
        let text: String = lines.iter().map(|(name, hash)| format!("{name} {hash}\n")).collect();
        print(&text)?;
        return Ok(0);
    }
    let golden = parse(GOLDEN);
    let mut code = 0;
    for isa in Isa::available() {
        // Side by side: one of them leaves a core free.
        let children = THREADS.map(|threads| (threads, start(isa, threads)));
        for (threads, child) in children {
            let found = hashes_of(child?)?;
            let wrong: Vec<(&String, &String)> =
                golden.iter().filter(|(name, hash)| found.get(*name) != Some(hash)).collect();
            let (all, right) = (golden.len(), golden.len() - wrong.len());
            let name = isa.name();
            let plural = if threads == 1 { "" } else { "s" };
            print(&format!(
                "{name}, {threads} thread{plural} : {right} of {all} as they must be\n"
            ))?;
            for (name, hash) in wrong {
                let found = found.get(name).map_or("none", String::as_str);
                print(&format!("  {name} : {found} instead of {hash}\n"))?;
                code = 1;
            }
        }
    }
    Ok(code)
}

/// A process with this instruction set.
fn start(isa: Isa, threads: u16) -> Result<Child, Failure> {
    let program = std::env::current_exe().map_err(Failure::io("the program's own name"))?;
    Command::new(program)
        .args(["self-test", "--hashes", "--threads", &threads.to_string()])
        .env("VXC_ISA", isa.name())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(Failure::io("cannot start the program again"))
}

/// The hashes that a process prints; empty where it fails.
fn hashes_of(child: Child) -> Result<BTreeMap<String, String>, Failure> {
    let output = child.wait_with_output().map_err(Failure::io("cannot read the hashes"))?;
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

fn parse(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.rsplit_once(' '));
    pairs.map(|(name, hash)| (name.to_owned(), hash.to_owned())).collect()
}

/// All hashes of this process: BLAKE3, first 16 bytes.
fn hashes(threads: usize) -> Result<Vec<(String, String)>, Failure> {
    let mut out = Vec::new();
    let mut put = |name: String, bytes: &[u8]| {
        let hash = blake3::hash(bytes).to_hex();
        out.push((name, hash.chars().take(32).collect()));
    };
    put("functions".into(), &functions());
    for (name, raw) in [("table", inputs::table(1500)), ("text", inputs::text(800))] {
        for level in 1..=6 {
            let options = options(level, threads)?;
            put(format!("{name} -{level}"), &archive(&raw, &options, Vec::new())?);
            let small = CompressOptions { segment_bytes: Some(8_000), ..options };
            put(format!("{name} -{level} segments"), &archive(&raw, &small, Vec::new())?);
        }
    }
    let model = Arc::new(network()?);
    put("model".into(), model.file());
    let raw = inputs::table(400);
    for level in 7..=9 {
        let known = Some(model.clone());
        let options = CompressOptions { model: known, ..options(level, threads)? };
        put(format!("table -{level}"), &archive(&raw, &options, vec![model.clone()])?);
    }
    let content = [inputs::text(200), inputs::table(150)].concat();
    for (name, codec) in [
        ("zlib", Codec::Zlib),
        ("deflate", Codec::Deflate),
        ("lz4", Codec::Lz4),
        ("zstd", Codec::Zstd),
        ("lzma", Codec::Lzma),
        ("lzf", Codec::Lzf),
    ] {
        let mut blocks = Vec::new();
        for setting in 0..=u8::MAX {
            // A library of one setting has no others.
            blocks.extend(remake(codec, setting, &content)?.unwrap_or_default());
        }
        put(format!("encoder {name}"), &blocks);
    }
    for level in 1..=3 {
        let level_of = vxc_zipnn::Level::new(level).unwrap_or_default();
        let options = vxc_zipnn::Options { level: level_of, threads, verify: true };
        let mut coded = Vec::new();
        let mut file = Cursor::new(inputs::checkpoint());
        vxc_zipnn::compress(&mut file, &mut coded, &options, |_| ())?;
        put(format!("weights -{level}"), &coded);
    }
    Ok(out)
}

fn options(level: u8, threads: usize) -> Result<CompressOptions, Failure> {
    Ok(CompressOptions { level: Level::new(level)?, threads, ..CompressOptions::default() })
}

/// The archive of some bytes, which come back.
fn archive(
    raw: &[u8],
    options: &CompressOptions,
    models: Vec<Arc<Model>>,
) -> Result<Vec<u8>, Failure> {
    let archive = vxc::compress(raw, options)?;
    let threads = options.threads;
    let back =
        vxc::decompress(&archive, &DecompressOptions { models, threads, ..Default::default() })?;
    if back != raw {
        return Err(Failure::Verify("other bytes come back".into()));
    }
    Ok(archive)
}

/// A model with a network whose weights depend on nothing.
fn network() -> Result<Model, Failure> {
    let training = inputs::table(500);
    let layout = inputs::layout()?;
    let level = Level::new(8)?;
    let fitted = Model::fit(level, Some(&layout), std::slice::from_ref(&training))?;
    let code = fitted.code().clone();
    let Form::Fields(tokeniser) = &code.form else {
        return Err(Failure::Verify("the table has no tokeniser".into()));
    };
    let vocab = tokeniser.steps().iter().map(|s| s.alphabet()).max().unwrap_or(2);
    let fields = tokeniser.steps().len() as u16;
    let network =
        IntModel::small(fields, vocab).map_err(|e| Failure::Verify(format!("the network: {e}")))?;
    Ok(Model::with_network(level, &fitted, code, network, true, &training)?)
}

/// What the functions of relations give for many inputs of all sizes.
fn functions() -> Vec<u8> {
    const ONE: [fn(f64) -> f64; 11] = [
        math::exp,
        math::log,
        math::sin,
        math::cos,
        math::tan,
        math::atan,
        math::sinh,
        math::cosh,
        math::tanh,
        math::asinh,
        math::sqrt,
    ];
    let mut bits = inputs::noise(1);
    let mut out = Vec::new();
    let mut before = 1.0;
    for _ in 0..20_000 {
        // Exponents from 2^-40 to 2^20.
        let word = bits() << 11 ^ bits();
        let exponent = 983 + word % 60;
        let x = f64::from_bits(word & 0x800F_FFFF_FFFF_FFFF | exponent << 52);
        let values = ONE.map(|function| function(x));
        for value in values.into_iter().chain([math::atan2(x, before), math::hypot(x, before)]) {
            // The payload of a NaN is never used.
            let bits = if value.is_nan() { 0x7FF8 << 48 } else { value.to_bits() };
            out.extend_from_slice(&bits.to_le_bytes());
        }
        before = x;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_hashes_are_those_of_the_program() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/determinism.md");
        let page = std::fs::read_to_string(path).unwrap();
        for line in GOLDEN.lines() {
            assert!(page.contains(line), "docs/determinism.md does not show {line}");
        }
    }
}
