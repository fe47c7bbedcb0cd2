//! Damaged archives: `--keep-going` writes what is intact where it belongs, and `test` says which segments are lost.

use std::io::Write;

use crate::common::{Folder, fixture, noise, table, text};

/// A segment as `list --json` has it.
struct Segment {
    content: std::ops::Range<usize>,
    file: std::ops::Range<usize>,
    primed: bool,
}

fn segments(f: &Folder, name: &str) -> Vec<Segment> {
    let list = f.run(&["list", "--json", name]).good();
    let json: serde_json::Value = serde_json::from_slice(&list.out).unwrap();
    let number = |s: &serde_json::Value, key: &str| s[key].as_u64().unwrap() as usize;
    let segments = json[0]["segments"].as_array().unwrap().iter();
    segments
        .map(|s| {
            let (content, file) = (number(s, "content_offset"), number(s, "file_offset"));
            Segment {
                content: content..content + number(s, "content_bytes"),
                file: file..file + number(s, "file_bytes"),
                primed: s["primed_by"].is_u64(),
            }
        })
        .collect()
}

fn damage(f: &Folder, at: &[usize]) {
    let mut bytes = f.read("x.vxc");
    at.iter().for_each(|&at| bytes[at] ^= 0x55);
    f.write("bad.vxc", &bytes);
}

/// The words that name a range.
fn words(range: &std::ops::Range<usize>) -> String {
    format!("bytes {} to {}", range.start, range.end - 1)
}

#[test]
fn every_intact_segment_comes_back_at_its_place() {
    let f = Folder::new();
    let raw = table(4000);
    f.write("x", &raw);
    for level in ["-1", "-2", "-3", "-4", "-5", "-6"] {
        f.run(&[level, "-f", "--segment", "12K", "x"]).good();
        let all = segments(&f, "x.vxc");
        assert!(all.len() > 6, "{level}: {} segments", all.len());
        // None that others start from; neighbours and the last one too.
        let last = all.len() - 1;
        let hit: Vec<usize> =
            (2..all.len()).filter(|&n| all[n].primed && (n % 3 == 0 || n >= last - 1)).collect();
        assert!(!hit.is_empty(), "{level}");
        damage(
            &f,
            &hit.iter().map(|&n| (all[n].file.start + all[n].file.end) / 2).collect::<Vec<_>>(),
        );
        let mut wanted = raw.clone();
        hit.iter().for_each(|&n| wanted[all[n].content.clone()].fill(0));
        let done = f.run(&["-df", "--keep-going", "bad.vxc", "-o", "y"]);
        assert_eq!(done.code, Some(1), "{}", done.err);
        assert!(f.read("y") == wanted, "{level}");
        let tested = f.run(&["-t", "bad.vxc"]);
        assert_eq!(tested.code, Some(1));
        for &n in &hit {
            assert!(done.err.contains(&words(&all[n].content)), "{level}: {}", done.err);
            let line = format!("segment {n}, {} : lost", words(&all[n].content));
            assert!(tested.text().contains(&line), "{line}: {}", tested.text());
        }
        assert_eq!(done.err.matches(" are lost: ").count(), hit.len(), "{}", done.err);
        let lost: usize = hit.iter().map(|&n| all[n].content.len()).sum();
        assert!(done.err.contains(&format!("{lost} of {} bytes are lost", raw.len())));
        // Without the flag nothing is written.
        f.run(&["-d", "bad.vxc", "-o", "z"]).bad(1, &["bad.vxc"]);
        assert!(!f.has("z"));
    }
}

#[test]
fn what_starts_from_a_lost_segment_is_lost() {
    let f = Folder::new();
    f.write("x", &table(4000));
    f.run(&["-5", "--segment", "12K", "x"]).good();
    let all = segments(&f, "x.vxc");
    damage(&f, &[all[0].file.end - 9]);
    let done = f.run(&["-dc", "--keep-going", "bad.vxc"]);
    assert_eq!(done.code, Some(1));
    assert!(done.out.iter().all(|&b| b == 0) && done.out.len() == 96_000);
    assert!(done.err.contains("starts from segment 0, which is lost"), "{}", done.err);
}

#[test]
fn damage_beside_the_content_costs_none_of_it() {
    let f = Folder::new();
    let raw = [text(3000), table(2000)].concat();
    f.write("x", &raw);
    f.run(&["-4", "--segment", "20K", "x"]).good();
    let len = f.read("x.vxc").len();
    // The header, which could have said more, the index, the footer.
    let all = format!("{} bytes of content are intact", raw.len());
    for (at, words) in
        [(9, &all[..]), (len - 70, "all content is intact"), (len - 2, "all content is intact")]
    {
        damage(&f, &[at]);
        f.run(&["-t", "bad.vxc"]).bad(1, &["bad.vxc"]);
        f.run(&["-df", "--keep-going", "bad.vxc", "-o", "y"]).bad(1, &[words]);
        assert!(f.read("y") == raw);
    }
    // The tail missing: the end of the content is not known.
    let cut = segments(&f, "x.vxc").last().unwrap().file.start + 5;
    f.write("bad.vxc", &f.read("x.vxc")[..cut]);
    let done = f.run(&["-df", "--keep-going", "bad.vxc", "-o", "y"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(raw.starts_with(&f.read("y")) && f.read("y").len() > raw.len() / 2);
    assert!(done.err.contains("where the content ends"), "{}", done.err);
    assert!(!done.err.contains("all content is intact"), "{}", done.err);
    let tested = f.run(&["-t", "bad.vxc"]);
    assert!(tested.text().contains("where the content ends"), "{}", tested.text());
}

/// A large file cut short, as an interrupted download leaves it: what is there comes back, and no zeros for what is not.
#[test]
fn the_beginning_of_a_large_archive() {
    let f = Folder::new();
    let raw = [text(2000), vec![0; 40 << 20]].concat();
    f.write("x", &raw);
    f.run(&["-1", "--segment", "16K", "x"]).good();
    f.write("bad.vxc", &f.read("x.vxc")[..9000]);
    let done = f.run(&["-df", "--keep-going", "bad.vxc", "-o", "y"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    let y = f.read("y");
    assert!(!y.is_empty() && y.len() < 1 << 20 && raw.starts_with(&y), "{} bytes", y.len());
    assert!(!done.err.contains("all content is intact"), "{}", done.err);
}

#[test]
fn a_forgotten_model_is_asked_for() {
    let f = Folder::new();
    let raw = table(2000);
    f.write("x", &raw);
    f.run(&["fit", "x", "-o", "m.vxm"]).good();
    f.run(&["-5", "--segment", "12K", "--model", "m.vxm", "x"]).good();
    let hit = segments(&f, "x.vxc")[1].file.end - 5;
    damage(&f, &[hit]);
    f.run(&["-d", "--keep-going", "bad.vxc", "-o", "y"]).bad(3, &["needs the model"]);
    assert!(!f.has("y"));
    let done = f.run(&["-d", "--keep-going", "--model", "m.vxm", "bad.vxc", "-o", "y"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert_eq!(done.err.matches(" are lost: ").count(), 1, "{}", done.err);
}

/// An archive that is whole comes back whatever is before it, and offsets are those of what decompression gives.
#[test]
fn archives_behind_a_truncated_one_come_back() {
    let f = Folder::new();
    let mut next = noise(11);
    let raw: Vec<u8> = (0..90_000).map(|_| next() as u8).collect();
    f.write("x", &raw);
    f.write("t", &text(900));
    f.run(&["-1", "--segment", "16K", "x", "t"]).good();
    let all = segments(&f, "x.vxc");
    // What the third segment claims reaches over the archive behind it.
    let cut = &f.read("x.vxc")[..all[2].file.start + 200];
    f.write("bad.vxc", &[cut, &f.read("t.vxc")].concat());
    let done = f.run(&["-df", "--keep-going", "bad.vxc", "-o", "y"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    let expected = [&raw[..all[2].content.start], &f.read("t")].concat();
    assert!(f.read("y") == expected, "{}", done.err);
    // With the second archive's middle damaged: the same range in both commands.
    let mut both = [f.read("x.vxc"), f.read("x.vxc")].concat();
    let hit = both.len() / 2 + all[3].file.end - 5;
    both[hit] ^= 1;
    f.write("bad.vxc", &both);
    let lost = raw.len() + all[3].content.start..raw.len() + all[3].content.end;
    let done = f.run(&["-df", "--keep-going", "bad.vxc", "-o", "y"]);
    assert!(done.err.contains(&words(&lost)), "{}", done.err);
    let tested = f.run(&["-t", "bad.vxc"]);
    let line = format!("archive 1, segment 3, {} : lost", words(&lost));
    assert!(tested.text().contains(&line), "{line}: {}", tested.text());
}

/// Where nothing is intact, nothing is written: not even over a file that may be whole.
#[test]
fn zeros_alone_replace_no_file() {
    let f = Folder::new();
    f.write("x", &table(4000));
    f.run(&["-5", "--segment", "12K", "x"]).good();
    damage(&f, &[segments(&f, "x.vxc")[0].file.end - 9]);
    f.write("y", b"precious");
    let done = f.run(&["-df", "--keep-going", "bad.vxc", "-o", "y"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("nothing was written"), "{}", done.err);
    assert_eq!(f.read("y"), b"precious");
}

#[test]
fn the_name_of_another_archive_is_not_used() {
    let f = Folder::new();
    f.write("x", &table(400));
    f.write("t", &text(90));
    f.run(&["x", "t"]).good();
    let mut both = [f.read("x.vxc"), f.read("t.vxc")].concat();
    both[9] ^= 1;
    f.write("bad.vxc", &both);
    f.run(&["-df", "-N", "--keep-going", "bad.vxc"]).bad(2, &["no name is left"]);
}

#[test]
fn archives_of_a_later_version_are_left_alone() {
    let f = Folder::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    for name in ["unsupported-version.vxc", "unsupported-flag.vxc", "unsupported-block.vxc"] {
        f.write("later.vxc", &std::fs::read(folder.join(name)).unwrap());
        f.run(&["-d", "--keep-going", "later.vxc", "-o", "y"]).bad(1, &["later.vxc"]);
        assert!(!f.has("y"), "{name}");
    }
}

/// Lies about sizes cannot make a file without end.
#[test]
fn claims_beyond_what_the_file_can_hold() {
    let f = Folder::new();
    f.write("x", &fixture("root/zstd.root"));
    f.run(&["-4", "x"]).good();
    let archive = f.read("x.vxc");
    let header = vxc::Header::read(&archive[..]).unwrap();
    let mut before = Vec::new();
    header.write(&mut before).unwrap();
    let mut original = header.original.unwrap();
    for len in [1 << 48, u64::MAX] {
        original.digest.len = len;
        let mut bytes = Vec::new();
        vxc::Header { original: Some(original), ..header.clone() }.write(&mut bytes).unwrap();
        bytes.extend_from_slice(&archive[before.len()..]);
        f.write("bad.vxc", &bytes);
        f.run(&["-d", "--keep-going", "bad.vxc", "-o", "y"])
            .bad(1, &["more than the file can hold"]);
        assert!(!f.has("y"));
    }
    // Many small lies are no more than one.
    let mut many = Vec::new();
    for _ in 0..200 {
        let raw_size = Some(40_000_000);
        vxc::Header { raw_size, ..vxc::Header::default() }.write(&mut many).unwrap();
    }
    f.write("bad.vxc", &many);
    let done = f.run(&["-dc", "--keep-going", "bad.vxc"]);
    assert!(done.out.len() < many.len() * 20_000, "{} bytes", done.out.len());
}

#[test]
fn whole_archives_are_as_without_the_flag() {
    let f = Folder::new();
    f.write("x", &text(300));
    f.run(&["x"]).good();
    f.run(&["-d", "--keep-going", "x.vxc", "-o", "y"]).good();
    assert!(f.read("y") == f.read("x"));
    f.run(&["-d", "--keep-going", "x.vxc"]).bad(2, &["exists already"]);
    f.pipe(&["-d", "--keep-going"], &f.read("x.vxc")).bad(2, &["needs a file"]);
    f.run(&["-df", "--keep-going", "--max-output", "100b", "x.vxc"]).bad(4, &["limit"]);
    f.write("none.vxc", b"nothing of the kind");
    f.run(&["-df", "--keep-going", "none.vxc"]).bad(1, &["nothing of an archive"]);
    f.run(&["-d", "--keep-going", "--rm", "x.vxc"]).bad(2, &["--rm"]);
    // Test tells the checksum that catalogues keep; each segment with -v.
    let done = f.run(&["-tv", "x.vxc"]).good();
    let adler = adler2::adler32_slice(&f.read("x"));
    assert!(done.text().contains(&format!("adler32 {adler:08x}")), "{}", done.text());
    assert!(done.text().contains("segment 0, bytes 0 to "), "{}", done.text());
}

/// A file of compressed blocks is made again as far as its unpacked form reaches.
#[test]
fn remade_files_come_back_up_to_the_first_loss() {
    let f = Folder::new();
    let mut gz = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::default());
    gz.write_all(&text(30_000)).unwrap();
    let inputs = [fixture("root/zstd.root"), fixture("hdf5/camels.h5"), gz.finish().unwrap()];
    for file in inputs {
        f.write("x", &file);
        f.run(&["-4f", "--segment", "64K", "x"]).good();
        let list = f.run(&["list", "--json", "x.vxc"]).good();
        let json: serde_json::Value = serde_json::from_slice(&list.out).unwrap();
        assert!(json[0]["archives"][0]["original"].is_object(), "it is unpacked: {json}");
        let all = segments(&f, "x.vxc");
        damage(&f, &[all[all.len() - 2].file.end - 5]);
        let done = f.run(&["-df", "--keep-going", "bad.vxc", "-o", "y"]);
        assert_eq!(done.code, Some(1), "{}", done.err);
        let out = f.read("y");
        assert_eq!(out.len(), file.len());
        let good = out.iter().zip(&file).take_while(|(a, b)| a == b).count();
        assert!(out[good..].iter().all(|&b| b == 0), "what is not intact is zero");
        assert!(done.err.contains("are lost"), "{}", done.err);
        println!("{good} of {} bytes", file.len());
        assert!(good > 1000, "{good} of {} bytes", file.len());
        let len = f.read("x.vxc").len();
        damage(&f, &[len - 2]);
        f.run(&["-df", "--keep-going", "bad.vxc", "-o", "y"]).bad(1, &["all content is intact"]);
        assert!(f.read("y") == file);
    }
}

#[test]
fn the_test_of_a_damaged_archive_keeps_to_the_limit_of_output() {
    let f = Folder::new();
    // Through a pipe, so that the header does not tell the size.
    let packed = f.pipe(&["-1c", "--segment", "12K"], &table(8000)).good();
    f.write("x.vxc", &packed.out);
    let all = segments(&f, "x.vxc");
    damage(&f, &[all[1].file.end - 5]);
    let tested = f.run(&["-tv", "--max-output", "50K", "bad.vxc"]);
    assert_eq!(tested.code, Some(1), "{}", tested.err);
    let lines = |text: &str| text.matches("bad.vxc : segment ").count();
    let within = all.iter().take_while(|s| s.content.end <= 50 << 10).count();
    assert!(lines(tested.text()) == within && within < all.len(), "{}", tested.text());
    assert!(tested.text().contains("not looked at further"), "{}", tested.text());
    let tested = f.run(&["-tv", "bad.vxc"]);
    assert_eq!(lines(tested.text()), all.len(), "{}", tested.text());
}
