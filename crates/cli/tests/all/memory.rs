//! Peak memory of the program, as the system counts it: bounded by `-M`, whatever the number of threads.

use crate::common::{Folder, peak_of, peaks_are_measured, table, text};

#[test]
fn threads_are_reduced_to_stay_below_the_memory() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    // A key segment and ten others, with tables of 60 MiB each.
    f.write("x", &table(110_000));
    let peak = |memory| {
        let args = ["-5fq", "-T16", "--segment", "256K", "-M", memory, "x"];
        let packed = peak_of(&f, &args, 0);
        let tested = peak_of(&f, &["-tq", "-T16", "-M", memory, "x.vxc"], 0);
        (packed, tested)
    };
    let (packed, tested) = peak("256");
    assert!(packed <= 256 && tested <= 256, "{packed} and {tested} MiB with -M 256");
    // It is the limit that holds them down.
    let (free, free_tested) = peak("4G");
    assert!(free > 256 && free_tested > 256, "{free} and {free_tested} MiB with -M 4G");
}

/// Zeros: what expands most.
const LEVELS: [(&str, usize); 6] =
    [("-1", 96), ("-2", 96), ("-3", 96), ("-4", 6), ("-5", 6), ("-6", 6)];

#[test]
fn bombs_of_every_level_stay_within_limits() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    for (level, mib) in LEVELS {
        f.write("x", &vec![0; mib << 20]);
        f.run(&[level, "-f", "x"]).good();
        let archive = f.read("x.vxc").len();
        assert!(archive < mib << 20 >> 9, "{level}: {archive} bytes are no bomb");
        // Decoded whole, in no more memory than was allowed …
        let whole = peak_of(&f, &["-tq", "-M", "160", "x.vxc"], 0);
        assert!(whole <= 160, "{level}: {whole} MiB");
        // … and refused where the content or what it takes is more than that.
        let refused = peak_of(&f, &["-tq", "--max-output", "1M", "x.vxc"], 4);
        let small = peak_of(&f, &["-tq", "-M", "1", "x.vxc"], 4);
        println!("{level}: {archive} bytes for {mib} MiB; {whole}, {refused}, {small} MiB");
        assert!(refused <= 48 && small <= 48, "{level}: {refused} and {small} MiB to refuse");
    }
}

/// Segments whose heads claim as much as the format allows for their coded bytes, of every kind.
#[test]
fn claims_are_checked_before_memory_is_taken() {
    use vxc_format::{Block, NewSegment, RawSummary, SegmentKind, min_coded_len};
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    let mut kinds = std::collections::BTreeSet::new();
    for (level, raw) in
        [("-1", table(300)), ("-5", table(300)), ("-6", text(300)), ("-2", text(300))]
    {
        f.write("x", &raw);
        f.run(&[level, "-f", "x"]).good();
        let claims = rewritten(&f.read("x.vxc"), |writer, blocks| {
            for block in blocks {
                if let Block::Stream(def) = &block {
                    writer.define_stream(def.kind, def.source, &def.payload).unwrap();
                }
                let Block::Segment(s) = block else { continue };
                let i = s.header.info;
                if i.kind == SegmentKind::Stored {
                    continue;
                }
                kinds.insert(i.kind);
                // The largest segment that this many coded bytes may claim.
                let coded = vec![0u8; 20_000];
                let mut len = 256 << 20;
                while min_coded_len(len) > coded.len() as u64 {
                    len /= 2;
                }
                let raw = RawSummary { len, xxh3: 1 };
                let (stream, kind, primed_by) = (i.stream, i.kind, None);
                let segment = NewSegment { stream, kind, primed_by, raw, coded: &coded };
                writer.content(&vec![0; len as usize]);
                writer.segment(&segment).unwrap();
            }
        });
        f.write("claims.vxc", &claims);
        let peak = peak_of(&f, &["-tq", "-M", "64", "claims.vxc"], 4);
        println!("{level}: {peak} MiB");
        assert!(peak <= 64, "{level}: {peak} MiB");
    }
    assert!(kinds.contains(&SegmentKind::Static) && kinds.contains(&SegmentKind::Mix), "{kinds:?}");
    assert!(kinds.contains(&SegmentKind::Lz), "{kinds:?}");
}

/// A model file with the code of another one and these sections: raw length, stored bytes.
pub fn with_sections(model: &[u8], sections: [(u64, &[u8]); 4]) -> Vec<u8> {
    let mut rest = &model[10..];
    let mut varint = || vxc_entropy::read_varint(&mut rest).unwrap();
    let (_, stored) = (varint(), varint());
    let end = model.len() - rest.len() + stored as usize;
    let mut file = model[..end].to_vec();
    for (raw, stored) in sections {
        vxc_entropy::write_varint(&mut file, raw);
        vxc_entropy::write_varint(&mut file, stored.len() as u64);
        file.extend_from_slice(stored);
    }
    file.extend_from_slice(&vxc_format::content::crc32c(&file).to_le_bytes());
    file
}

/// A model file of a few kilobytes whose sections are zeros.
#[test]
fn a_model_that_expands_is_refused() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    f.write("x", &table(300));
    f.run(&["-5", "x"]).good();
    f.run(&["fit", "x", "-o", "m.vxm"]).good();
    let zeros = zstd::bulk::compress(&vec![0; 255 << 20], 3).unwrap();
    let file = with_sections(&f.read("m.vxm"), [(255 << 20, &zeros[..]); 4]);
    f.write("bomb.vxm", &file);
    assert!(file.len() < 200_000);
    let peak = peak_of(&f, &["-tq", "-M", "64", "--model", "bomb.vxm", "x.vxc"], 4);
    assert!(peak <= 64, "{peak} MiB");
    // Without a limit of the user's own, that of the library.
    let peak = peak_of(&f, &["-tq", "--model", "bomb.vxm", "x.vxc"], 3);
    assert!(peak <= 512, "{peak} MiB");
}

/// Models that the user gives count, and so does what each of them holds.
#[test]
fn models_count_together() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    f.write("x", &text(3000));
    f.run(&["fit", "x", "-o", "m.vxm"]).good();
    f.run(&["-5", "--model", "m.vxm", "x"]).good();
    let args = |memory: &'static str| ["-tq", "-T1", "-M", memory, "--model", "m.vxm", "x.vxc"];
    let (refused, whole) = (peak_of(&f, &args("128"), 4), peak_of(&f, &args("256"), 0));
    println!("{refused} MiB with -M 128, {whole} MiB with -M 256");
    assert!(refused <= 128 && (129..=256).contains(&whole), "{refused}, {whole} MiB");
    // A section of 60 MiB in a file of kilobytes: less than -M by itself, not beside the states.
    let zeros = zstd::bulk::compress(&vec![0; 60 << 20], 3).unwrap();
    let none = (0, &[][..]);
    let file = with_sections(&f.read("m.vxm"), [none, none, (60 << 20, &zeros[..]), none]);
    f.write("bomb.vxm", &file);
    let peak = peak_of(&f, &["-tq", "-M", "96", "--model", "bomb.vxm", "x.vxc"], 4);
    assert!(peak <= 96, "{peak} MiB");
}

/// Tables of what a file holds: names of its archives, blocks.
#[test]
fn tables_count() {
    use vxc_format::{ArchiveWriter, Header, NewSegment, RawSummary, SegmentKind};
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    let header = Header { name: Some(vec![b'n'; 4000]), ..Header::default() };
    let named = ArchiveWriter::new(Vec::new(), &header).unwrap().finish().unwrap().0;
    f.write("names.vxc", &named.repeat(10_000));
    f.run(&["-1", "names.vxc", "-o", "y"]).good();
    let mut blocks = rewritten(&f.read("y"), |writer, blocks| {
        for block in blocks {
            if let vxc_format::Block::Stream(def) = block {
                writer.define_stream(def.kind, def.source, &def.payload).unwrap();
            }
        }
        for _ in 0..200_000 {
            let (kind, raw) = (SegmentKind::Stored, RawSummary::of(b"x"));
            let segment = NewSegment { stream: 0, kind, primed_by: None, raw, coded: b"x" };
            writer.segment(&segment).unwrap();
            writer.content(b"x");
        }
    });
    f.write("blocks.vxc", &blocks);
    // One that needs a search, too.
    let last = blocks.len() - 1;
    blocks[last] ^= 1;
    f.write("bad.vxc", &blocks);
    for name in ["names.vxc", "blocks.vxc", "bad.vxc"] {
        let keep = ["-dcq", "--keep-going", "-M", "16", name];
        let refused = if name == "bad.vxc" { 1 } else { 4 };
        let list = peak_of(&f, &["-lq", "-M", "16", name], refused);
        let salvage = peak_of(&f, &keep, 4);
        println!("{name}: {list} and {salvage} MiB with -M 16");
        // What the program itself takes comes on top.
        assert!(list <= 28 && salvage <= 28, "{name}: {list}, {salvage} MiB");
    }
}

/// Archives of a few kilobytes, the unpacked form in which takes hundreds of MiB to make a file of.
#[test]
fn unpacked_forms_stay_within_limits() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    let number = |n: u64| {
        let mut out = Vec::new();
        vxc_entropy::write_varint(&mut out, n);
        out
    };
    // Recipe, no kept bytes, and columns of zeros of class 0.
    let form = |recipe: &[u8], columns: &[u64]| {
        let mut out =
            [number(recipe.len() as u64), number(0), number(columns.len() as u64)].concat();
        columns.iter().for_each(|&n| out.extend([vec![0], number(n)].concat()));
        out.extend(recipe);
        out.resize(out.len() + columns.iter().sum::<u64>() as usize, 0);
        out
    };
    let large = 60 << 20;
    // Shape 1, stored: entries without values, which a tail of 4 bytes each makes a content of.
    let jagged = |n: u64, content: u64| {
        [vec![0x41, 0], number(content), vec![0, 1, 0, 1], number(n), vec![0, 0]].concat()
    };
    // Shape 3: zeros behind no values.
    let padded = |codec: u8, setting: u8, n: u64| {
        [vec![0xC0 | (codec + 1), setting], number(n), vec![0, 4, 8], number(n)].concat()
    };
    // Sets of no lengths, of an op without content each.
    let mut sets = vec![0x41, 0, 0, 0, 1, 0, 1, 0, 0, 2];
    sets.extend([0x41, 0, 0, 1, 1, 0, 1, 0, 0, 2].repeat(1 << 20));
    let bombs = [
        ("lengths", form(&jagged(100 << 20, 8 + (4 << 20)), &[100 << 20])),
        ("entries", form(&jagged(15 << 20, large + 8), &[15 << 20])),
        ("padding", form(&padded(0, 0, large), &[0])),
        ("zlib", form(&padded(1, 6, large), &[0])),
        ("zstd", form(&padded(4, 22, large), &[0])),
        ("lzma", form(&padded(5, 6, 30 << 20), &[0])),
        ("columns", form(&[], &[0; 1 << 20])),
        ("sets", form(&sets, &[0])),
    ];
    for (name, form) in bombs {
        let digest = vxc::ContentDigest::of(&mut &[0; 1000][..]).unwrap();
        let options = vxc::CompressOptions {
            level: vxc::Level::new(1).unwrap(),
            original: Some(vxc::Original { container: 1, digest }),
            segment_bytes: Some(1 << 20),
            threads: 1,
            ..vxc::CompressOptions::default()
        };
        let archive = vxc::compress(&form, &options).unwrap();
        assert!(archive.len() < 60_000, "{name}: {} bytes are no bomb", archive.len());
        f.write("bomb.vxc", &archive);
        let tiny = peak_of(&f, &["-tq", "-T1", "-M", "16", "bomb.vxc"], 4);
        let small = peak_of(&f, &["-tq", "-T1", "-M", "64", "bomb.vxc"], 4);
        let args = ["-dq", "--keep-going", "-T1", "-M", "64", "-o", "x", "bomb.vxc"];
        let kept = peak_of(&f, &args, 4);
        println!("{name}: {} bytes; {tiny}, {small}, {kept} MiB", archive.len());
        assert!(tiny <= 48 && small <= 64 && kept <= 64, "{name}: {tiny}, {small}, {kept} MiB");
        assert_eq!(f.names(), ["bomb.vxc"]);
    }
}

/// An archive that takes more than is allowed, though nothing is wrong with it.
#[test]
fn files_that_take_more_memory_are_not_made() {
    let f = Folder::new();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
    std::io::Write::write_all(&mut encoder, &text(12_000).repeat(20)).unwrap();
    f.write("x.gz", &encoder.finish().unwrap());
    f.run(&["-1q", "--segment", "256K", "x.gz"]).good();
    f.run(&["-tq", "x.gz.vxc"]).good();
    let said = ["limit exceeded: making the file again needs ", "the limit is 4194304"];
    f.run(&["-dc", "-M", "4", "x.gz.vxc"]).bad(4, &said);
    f.run(&["-d", "-M", "4", "-o", "x", "x.gz.vxc"]).bad(4, &said);
    f.run(&["-d", "--keep-going", "-M", "4", "-o", "x", "x.gz.vxc"]).bad(4, &said);
    assert_eq!(f.names(), ["x.gz", "x.gz.vxc"]);
}

/// An archive with the header of this one, and what is written of its blocks.
pub fn rewritten(
    archive: &[u8],
    write: impl FnOnce(&mut vxc_format::ArchiveWriter<Vec<u8>>, Vec<vxc_format::Block>),
) -> Vec<u8> {
    use vxc_format::{ArchiveWriter, Block, BlockReader, DecodeLimits};
    let mut reader = BlockReader::new(archive, DecodeLimits::default()).unwrap();
    let mut writer = ArchiveWriter::new(Vec::new(), reader.header()).unwrap();
    let blocks = std::iter::from_fn(|| match reader.next_block().unwrap() {
        Block::End(_) => None,
        block => Some(block),
    });
    write(&mut writer, blocks.collect());
    writer.finish().unwrap().0
}

/// A segment that starts anew takes the place of the one before: their states are not held together, whoever decodes.
#[test]
fn a_fresh_segment_takes_the_place_of_the_key() {
    use vxc_format::{Block, NewSegment, RawSummary};
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    let raw = text(1600);
    f.write("x", &raw);
    for level in ["-4", "-5", "-6"] {
        f.run(&[level, "-f", "x"]).good();
        let three = rewritten(&f.read("x.vxc"), |writer, blocks| {
            for block in &blocks {
                if let Block::Stream(def) = block {
                    writer.define_stream(def.kind, def.source, &def.payload).unwrap();
                }
                let Block::Segment(s) = block else { continue };
                for _ in 0..3 {
                    let (stream, kind) = (s.header.info.stream, s.header.info.kind);
                    let summary = RawSummary::of(&raw);
                    let (raw, coded) = (summary, &s.coded[..]);
                    writer
                        .segment(&NewSegment { stream, kind, primed_by: None, raw, coded })
                        .unwrap();
                }
            }
            writer.content(&raw.repeat(3));
        });
        f.write("three.vxc", &three);
        // As little as it says that it takes.
        let refused = f.run(&["-t", "-T1", "-M", "1", "three.vxc"]).bad(4, &["a segment needs "]);
        let needs = refused.err.split("needs ").nth(1).and_then(|s| s.split(' ').next()).unwrap();
        let memory = needs.parse::<u64>().unwrap().div_ceil(1 << 20);
        assert!(memory > 24, "{level}: two states of {memory} MiB would not be seen");
        let limit = memory.to_string();
        let tested = peak_of(&f, &["-tq", "-T1", "-M", &limit, "three.vxc"], 0);
        let keep = ["-dcq", "--keep-going", "-T1", "-M", &limit, "three.vxc"];
        let kept = peak_of(&f, &keep, 0);
        println!("{level}: {tested} and {kept} MiB with -M {limit}");
        // What the program itself takes comes on top.
        assert!(tested <= memory + 12 && kept <= memory + 12, "{level}: {tested}, {kept} MiB");
    }
}

/// Definitions of streams by the hundred thousand, and a payload behind them.
#[test]
fn streams_count() {
    use vxc_format::{Block, NewSegment, RawSummary, SegmentKind};
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    f.write("x", &text(20));
    f.run(&["-1", "x"]).good();
    let large = vec![0; 40 << 20];
    let streams = |count: usize, payload: &[u8]| {
        rewritten(&f.read("x.vxc"), |writer, blocks| {
            let Block::Stream(def) = &blocks[0] else { panic!("a stream comes first") };
            for _ in 0..count {
                writer.define_stream(def.kind, def.source, &def.payload).unwrap();
            }
            let (kind, raw) = (SegmentKind::Stored, RawSummary::of(payload));
            let segment = NewSegment { stream: 0, kind, primed_by: None, raw, coded: payload };
            writer.segment(&segment).unwrap();
            writer.content(payload);
        })
    };
    f.write("few.vxc", &streams(40_000, b"x"));
    f.write("many.vxc", &streams(400_000, b"x"));
    f.write("payload.vxc", &streams(40_000, &large));
    for (name, code) in [("few.vxc", 0), ("many.vxc", 4), ("payload.vxc", 4)] {
        let peak = |args: &[&str], code| peak_of(&f, &[args, &["-M", "64", name]].concat(), code);
        let tested = peak(&["-tq"], code);
        let kept = peak(&["-dcq", "--keep-going"], code);
        let list = if name == "many.vxc" { 4 } else { 0 };
        let (listed, json) = (peak(&["-lv"], list), peak(&["-lq", "--json"], list));
        println!("{name}: {tested}, {kept}, {listed}, {json} MiB with -M 64");
        assert!([tested, kept, listed, json].iter().all(|&mib| mib <= 76), "{name}");
    }
}
