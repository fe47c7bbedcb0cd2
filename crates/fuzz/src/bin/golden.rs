//! Writes the golden files of `tests/golden/` into FOLDER, with their manifest: `golden FOLDER`.
//!
//! Files of a version that has been released stay as they are: this is the recipe by which they were made, and makes those
//! of the next version. `tests/golden/README.md` says what each is for.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Cursor};
use std::path::PathBuf;
use std::sync::Arc;

use vxc::{CompressOptions, ContentDigest, Encoder, Error, Level, Model, Original};
use vxc_format::Tag;
use vxc_format::constants::{FOOTER_BYTES, FORMAT_VERSION, SIGNATURE};
use vxc_format::content::crc32c;
use vxc_fuzz::{reseal, seeds};

/// A golden file.
struct Golden {
    name: String,
    bytes: Vec<u8>,
    /// Exit code of decompression.
    code: u8,
    /// What comes out, for code 0.
    content: Vec<u8>,
    /// The model file that it needs, by name; none: `-`.
    model: &'static str,
    /// Words of the message with which it is refused; none: `-`.
    says: &'static str,
    /// How it was made.
    recipe: String,
}

fn main() -> io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("usage: golden FOLDER"));
    };
    fs::create_dir_all(&folder)?;
    let mut all = good().map_err(io::Error::other)?;
    let damaged = bad(&all);
    all.extend(damaged);
    let mut manifest = String::from("file\texit\tcontent\tmodel\tsays\tblake3\trecipe\n");
    for g in &all {
        fs::write(folder.join(&g.name), &g.bytes)?;
        let content = match g.code {
            0 => blake3(&g.content),
            _ => "-".into(),
        };
        let (file, Golden { name, code, model, says, recipe, .. }) = (blake3(&g.bytes), g);
        let line = [name, &code.to_string(), &content, *model, *says, &file, recipe].join("\t");
        writeln!(manifest, "{line}").map_err(io::Error::other)?;
    }
    fs::write(folder.join("MANIFEST.tsv"), manifest)
}

fn blake3(bytes: &[u8]) -> String {
    vxc::ModelId::of(bytes).to_string()
}

fn of(name: &str, bytes: Vec<u8>, content: &[u8], model: &'static str, recipe: &str) -> Golden {
    let name = format!("good-{FORMAT_VERSION}-{name}");
    let (content, recipe) = (content.to_vec(), recipe.to_owned());
    Golden { name, bytes, code: 0, content, model, says: "-", recipe }
}

/// What every version must read.
fn good() -> Result<Vec<Golden>, Error> {
    let mut all = Vec::new();
    let (table, text) = (seeds::records(90), seeds::text(60));
    let empty = vxc::compress(b"", &CompressOptions::default())?;
    all.push(of("empty.vxc", empty, b"", "-", "no bytes, level 5"));
    for (name, bytes) in seeds::archives() {
        let content = match name.split('_').next() {
            Some("text") => text.clone(),
            Some("records" | "keyed" | "with") => table.clone(),
            _ => continue,
        };
        let name = name.replace('_', "-");
        all.push(of(&name, bytes, &content, "-", "seeds::archives"));
    }
    let two = [all[1].bytes.clone(), all[2].bytes.clone()].concat();
    let content = [all[1].content.clone(), all[2].content.clone()].concat();
    all.push(of("two.vxc", two, &content, "-", "two archives, one after the other"));
    for (name, model) in [("fitted", "good-1-fitted.vxm"), ("network", "good-1-network.vxm")] {
        let (_, file) = seeds::models()
            .into_iter()
            .find(|(known, _)| known.starts_with(name))
            .ok_or_else(|| Error::InvalidArgument("a model".into()))?;
        let loaded = Some(Arc::new(Model::from_bytes(file.clone())?));
        for level in if name == "network" { &[7u8, 8, 9][..] } else { &[2, 5] } {
            let level = Level::new(*level)?;
            // A network that has learned nothing does not pay by itself, as it would have to at level 7.
            let (model_of, pure) = (loaded.clone(), level.number() == 7);
            let options =
                CompressOptions { level, model: model_of, pure, ..CompressOptions::default() };
            let archive = vxc::compress(&table, &options)?;
            let name = format!("needs-{name}-{}.vxc", level.number());
            all.push(of(&name, archive, &table, model, "seeds::records with a model file"));
        }
        all.push(of(&format!("{name}.vxm"), file, b"", "-", "seeds::models"));
    }
    for (fixture, file) in seeds::of("remake") {
        if ["filters_latest.h5", "zstd.root", "lz4.root", "stored.gz"].contains(&&fixture[..]) {
            let archive = unpacked(&file)?;
            let recipe = format!("the unpacked form of the fixture {fixture}");
            all.push(of(&format!("of-{fixture}.vxc"), archive, &file, "-", &recipe));
        }
    }
    for ((name, archive), (_, file)) in
        seeds::weight_archives().into_iter().zip(seeds::checkpoints())
    {
        all.push(of(&name.replace('_', "-"), archive, &file[1..], "-", "seeds::weight_archives"));
    }
    Ok(all)
}

/// The archive of a file of compressed blocks, as the program makes it.
fn unpacked(file: &[u8]) -> Result<Vec<u8>, Error> {
    let fail = |e: vxc_remake::RemakeError| Error::InvalidArgument(e.to_string());
    let plan = vxc_remake::scan(Cursor::new(file.to_vec())).map_err(fail)?;
    let plan = plan.ok_or_else(|| Error::InvalidArgument("no blocks".into()))?;
    let digest = ContentDigest::of(&mut &file[..])?;
    let original = Some(Original { container: plan.container, digest });
    let options = CompressOptions { original, level: Level::new(4)?, ..Default::default() };
    let mut encoder = Encoder::new(Vec::new(), options)?;
    let mut failed = None;
    vxc_remake::pack(&mut Cursor::new(file), &plan, |group| {
        for section in group {
            let put = match section.unknown {
                true => encoder.unknown_section(&section.bytes),
                false => encoder.section(&section.bytes, section.layout.as_ref()),
            };
            failed = failed.take().or(put.err());
        }
        Ok::<_, vxc_remake::RemakeError>(())
    })
    .map_err(fail)?;
    match failed {
        Some(e) => Err(e),
        None => Ok(encoder.finish()?.0),
    }
}

/// What every version must refuse: `bad-` is damage, `unsupported-` is of a later version.
fn bad(good: &[Golden]) -> Vec<Golden> {
    let find = |name: &str| {
        let name = format!("good-1-{name}");
        good.iter().find(|g| g.name == name).map_or_else(Vec::new, |g| g.bytes.clone())
    };
    let archive = find("keyed-5.vxc");
    let (model, weights) = (find("fitted.vxm"), find("level-2.vxw"));
    let (len, footer) = (archive.len(), archive.len() - FOOTER_BYTES);
    let index =
        u64::from_le_bytes(archive[footer..footer + 8].try_into().expect("8 bytes")) as usize;
    let mut header_end = archive.clone();
    let header = reseal::header(&mut header_end).expect("a header");
    let edit = |bytes: &[u8], change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.to_vec();
        change(&mut bytes);
        bytes
    };
    let sealed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = edit(&archive, change);
        reseal::archive(&mut bytes);
        bytes
    };
    // A head begins with the segment's number.
    let second = reseal::blocks(&archive, header).filter(|b| b.tag == Tag::Segment).nth(1);
    let number = second.expect("three segments").head;
    let list: Vec<(&str, Vec<u8>, u8, &str, &str)> = vec![
        ("bad-empty.vxc", Vec::new(), 1, "no bytes", "no bytes at all"),
        ("bad-text.vxc", seeds::text(3), 1, "the signature is missing", "another file"),
        (
            "bad-cut-header.vxc",
            archive[..header - 3].to_vec(),
            1,
            "inside the header",
            "cut within the header",
        ),
        (
            "bad-cut-segment.vxc",
            archive[..index - 100].to_vec(),
            1,
            "inside a block",
            "cut within a segment",
        ),
        (
            "bad-cut-index.vxc",
            archive[..index].to_vec(),
            1,
            "inside a block",
            "cut before the index",
        ),
        (
            "bad-cut-footer.vxc",
            archive[..len - 1].to_vec(),
            1,
            "inside the footer",
            "the last byte is missing",
        ),
        (
            "bad-trailing.vxc",
            edit(&archive, &|b| b.push(0)),
            1,
            "bytes after the archive's end",
            "a byte more",
        ),
        (
            "bad-ascii-mode.vxc",
            edit(&archive, &|b| b.retain(|&c| c != 0x0D)),
            1,
            "text mode",
            "carriage returns removed",
        ),
        (
            "bad-header-bit.vxc",
            edit(&archive, &|b| b[11] ^= 1),
            1,
            "checksum mismatch: the header",
            "a bit of the header flipped",
        ),
        (
            "bad-coded-bit.vxc",
            edit(&archive, &|b| b[index - 1] ^= 1),
            1,
            "checksum mismatch: the coded bytes of a segment",
            "a coded bit flipped",
        ),
        (
            "bad-footer-bit.vxc",
            edit(&archive, &|b| b[footer + 20] ^= 1),
            1,
            "checksum mismatch: the footer",
            "a bit of the footer",
        ),
        (
            "bad-coded.vxc",
            sealed(&|b| b[index - 3] ^= 0x10),
            1,
            "coded data is corrupt",
            "a coded bit, checksums repaired",
        ),
        (
            "bad-digest.vxc",
            sealed(&|b| b[footer + 25] ^= 1),
            1,
            "BLAKE3 of the content",
            "another BLAKE3, footer repaired",
        ),
        (
            "bad-adler.vxc",
            sealed(&|b| b[footer + 53] ^= 1),
            1,
            "Adler-32 of the content",
            "another Adler-32, footer repaired",
        ),
        (
            "bad-length.vxc",
            sealed(&|b| b[footer + 12] ^= 1),
            1,
            "the footer says 1891",
            "another length, footer repaired",
        ),
        (
            "bad-definition.vxc",
            sealed(&|b| b[header + 25] ^= 0xFF),
            1,
            "tokeniser",
            "another tokeniser",
        ),
        (
            "bad-order.vxc",
            sealed(&|b| b[number] ^= 1),
            1,
            "where segment 1 at 42 was expected",
            "a segment of another number",
        ),
        (
            "bad-second.vxc",
            [&archive[..], &archive[..50]].concat(),
            1,
            "inside a stream definition",
            "the second is cut",
        ),
        ("bad-cut.vxm", model[..model.len() / 2].to_vec(), 3, "checksum", "a model cut in half"),
        ("bad-bit.vxm", edit(&model, &|b| b[40] ^= 1), 3, "checksum", "a bit of a model flipped"),
        (
            "bad-cut.vxw",
            weights[..weights.len() - 9].to_vec(),
            1,
            "it ends too early",
            "cut within the footer",
        ),
        (
            "bad-bit.vxw",
            edit(&weights, &|b| b[60] ^= 1),
            1,
            "checksum of the block",
            "a bit of a block flipped",
        ),
        (
            "unsupported-version.vxc",
            sealed(&|b| b[SIGNATURE.len()] = 2),
            1,
            "unsupported archive: format version 2",
            "format version 2",
        ),
        (
            "unsupported-flag.vxc",
            sealed(&|b| b[SIGNATURE.len() + 1] |= 0x80),
            1,
            "unsupported archive: header flags",
            "a reserved flag",
        ),
        (
            "unsupported-profile.vxc",
            sealed(&|b| b[12] = 9),
            1,
            "unsupported archive: arithmetic profile 9",
            "another arithmetic profile",
        ),
        (
            "unsupported-block.vxc",
            block(&archive, header),
            1,
            "unsupported archive: a block of unknown kind",
            "a block of an unknown kind",
        ),
        (
            "unsupported-version.vxm",
            edit(&model, &|b| {
                b[8] = 2;
                reseal::model(b);
            }),
            3,
            "unsupported archive: model version 2",
            "model version 2",
        ),
        (
            "unsupported-version.vxw",
            edit(&weights, &|b| b[7] = 2),
            1,
            "unsupported weight archive: version 2",
            "weights version 2",
        ),
    ];
    list.into_iter()
        .map(|(name, bytes, code, says, recipe)| {
            let (name, recipe) = (name.to_owned(), recipe.to_owned());
            Golden { name, bytes, code, content: Vec::new(), model: "-", says, recipe }
        })
        .collect()
}

/// An archive with a block of the kind `Z` behind its header.
fn block(archive: &[u8], header: usize) -> Vec<u8> {
    let mut frame = vec![b'Z', 0, 0];
    frame.extend_from_slice(&crc32c(b"").to_le_bytes());
    let crc = crc32c(&frame);
    frame.extend_from_slice(&crc.to_le_bytes());
    [&archive[..header], &frame, &archive[header..]].concat()
}
