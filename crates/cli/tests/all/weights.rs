//! `compress-weights` and `decompress-weights`, as a user runs them.

use crate::common::{Folder, noise, peak_of, peaks_are_measured};

/// A safetensors file of one matrix of 32-bit floats and a vector.
fn checkpoint() -> Vec<u8> {
    let header = br#"{"a":{"dtype":"F32","shape":[100,200],"data_offsets":[0,80000]},"b":{"dtype":"F32","shape":[50],"data_offsets":[80000,80200]}}"#;
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend_from_slice(header);
    let mut state = 1u64;
    for _ in 0..20_050 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let value = ((state >> 40) as f32 / (1 << 24) as f32 - 0.5) * 0.1;
        out.extend_from_slice(&value.to_le_bytes());
    }
    out
}

#[test]
fn there_and_back() {
    let folder = Folder::new();
    folder.write("net.safetensors", &checkpoint());
    for level in ["-1", "-2", "-3", "--level=1"] {
        let done = folder.run(&["compress-weights", level, "-f", "net.safetensors"]);
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.err.contains("2 tensors"), "{}", done.err);
        assert!(folder.read("net.safetensors.vxw").len() < 72_000);
        let back = folder.run(&["decompress-weights", "net.safetensors.vxw", "-o", "back", "-f"]);
        assert_eq!(back.code, Some(0), "{back:?}");
        assert!(folder.read("back") == checkpoint());
    }
    let test = folder.run(&["decompress-weights", "--test", "net.safetensors.vxw"]);
    assert_eq!(test.code, Some(0));
    assert!(test.err.contains("whole, 80"), "{}", test.err);
    let gone = folder.run(&["compress-weights", "--rm", "-f", "net.safetensors"]);
    assert_eq!(gone.code, Some(0), "{gone:?}");
    assert!(!folder.has("net.safetensors"));
    let back = folder.run(&["decompress-weights", "net.safetensors.vxw", "--rm"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert!(folder.read("net.safetensors") == checkpoint());
    assert!(!folder.has("net.safetensors.vxw"));
}

#[test]
fn one_tensor_and_the_list() {
    let folder = Folder::new();
    folder.write("net.safetensors", &checkpoint());
    folder.run(&["compress-weights", "net.safetensors"]);
    let list = folder.run(&["decompress-weights", "--list", "--json", "net.safetensors.vxw"]);
    let json: serde_json::Value = serde_json::from_slice(&list.out).unwrap();
    assert_eq!(json[0]["tensors"][0]["shape"], serde_json::json!([100, 200]));
    assert_eq!(json[0]["tensors"][1]["name"], "b");
    let one =
        folder.run(&["decompress-weights", "--tensor", "b", "-o", "b", "net.safetensors.vxw"]);
    assert_eq!(one.code, Some(0), "{one:?}");
    let (one, all) = (folder.read("b"), checkpoint());
    assert_eq!(one[one.len() - 200..], all[all.len() - 200..]);
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = Folder::new();
    folder.write("net.safetensors", &checkpoint());
    folder.run(&["compress-weights", "net.safetensors"]);
    let archive = folder.read("net.safetensors.vxw");
    folder.write("cut.vxw", &archive[..archive.len() / 2]);
    let mut flipped = archive.clone();
    flipped[40_000] ^= 1;
    folder.write("flipped.vxw", &flipped);
    folder.write("none.vxw", b"something else");
    // A list of tensors so long that it is a block of its own, the first one, which is damaged here: that is no archive
    // without tensors.
    let entries: Vec<String> = (0..1500)
        .map(|i| {
            format!("\"layer.{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}")
        })
        .collect();
    let header = format!("{{{}}}", entries.join(","));
    let mut many = (header.len() as u64).to_le_bytes().to_vec();
    many.extend_from_slice(header.as_bytes());
    folder.write("many", &many);
    folder.run(&["compress-weights", "many", "-o", "many.vxw"]);
    let list = folder.run(&["decompress-weights", "--list", "many.vxw"]);
    assert!(String::from_utf8_lossy(&list.out).contains("1500 tensors"), "{list:?}");
    let mut listless = folder.read("many.vxw");
    listless[20] ^= 1;
    folder.write("listless.vxw", &listless);
    let before = folder.names();
    for (args, code) in [
        (&["decompress-weights", "cut.vxw"][..], 1),
        (&["decompress-weights", "flipped.vxw"], 1),
        (&["decompress-weights", "--test", "flipped.vxw"], 1),
        (&["decompress-weights", "--list", "listless.vxw"], 1),
        (&["decompress-weights", "--tensor", "a", "-o", "x", "flipped.vxw"], 1),
        (
            &[
                "decompress-weights",
                "--tensor",
                "b",
                "--tensor",
                "b",
                "-o",
                "x",
                "net.safetensors.vxw",
            ],
            2,
        ),
        (&["compress-weights", "-c", "net.safetensors", "none.vxw"], 2),
        (&["compress-weights", "-"], 2),
        (&["decompress-weights", "none.vxw"], 1),
        (&["decompress-weights", "net.safetensors"], 2),
        (&["decompress-weights", "net.safetensors.vxw"], 2),
        (&["decompress-weights", "--max-output", "1K", "-o", "x", "net.safetensors.vxw"], 4),
        (&["decompress-weights", "--tensor", "c", "-o", "x", "net.safetensors.vxw"], 2),
        (&["compress-weights", "net.safetensors"], 2),
        (&["compress-weights", "-4", "net.safetensors"], 2),
        (&["compress-weights", "missing"], 2),
        (&["compress-weights", "."], 2),
        (&["decompress", "-o", "x", "net.safetensors.vxw"], 1),
    ] {
        let done = folder.run(args);
        assert_eq!(done.code, Some(code), "{args:?}: {done:?}");
        assert_eq!(folder.names(), before, "{args:?}");
        assert_eq!(done.err.lines().count(), 1, "{args:?}: {}", done.err);
    }
}

/// Refused with code 4 and one line, with a peak below the limit and nothing written.
#[track_caller]
fn refused(f: &Folder, mib: u64, args: &[&str]) {
    let memory = mib.to_string();
    let args = [&["decompress-weights", "-M", &memory][..], args].concat();
    let before = f.names();
    f.run(&args).bad(4, &["the memory of", "exceeds the limit"]);
    assert_eq!(f.names(), before, "{args:?}");
    let peak = peak_of(f, &args, 4);
    println!("{args:?}: refused with {peak} MiB");
    assert!(peak <= mib, "{args:?}: {peak} MiB");
}

/// Done, with a peak below the limit.
#[track_caller]
fn done(f: &Folder, mib: u64, args: &[&str]) {
    let memory = mib.to_string();
    let args = [&["decompress-weights", "-q", "-M", &memory][..], args].concat();
    let peak = peak_of(f, &args, 0);
    println!("{args:?}: {peak} MiB");
    assert!(peak <= mib, "{args:?}: {peak} MiB");
}

/// A file that begins with a list of tensors.
fn listed(header: &str, content: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), content].concat()
}

/// A tensor of zeros, 200 MB out of a kilobyte.
#[test]
fn a_large_tensor_is_not_held() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    let header = r#"{"a":{"dtype":"U8","shape":[200000000],"data_offsets":[0,200000000]}}"#;
    f.write("x", &listed(header, &vec![0; 200_000_000]));
    f.run(&["compress-weights", "-3", "--verify=none", "x"]).good();
    assert!(f.read("x.vxw").len() < 20_000);
    for memory in [512, 128] {
        done(&f, memory, &["--tensor", "a", "-fo", "a", "x.vxw"]);
        assert!(f.read("a")[8..].ends_with(&[0; 1 << 20]) && f.read("a").len() > 200_000_000);
        done(&f, memory, &["--test", "-T8", "x.vxw"]);
    }
    refused(&f, 16, &["--tensor", "a", "-o", "b", "x.vxw"]);
    refused(&f, 16, &["-o", "b", "x.vxw"]);
    let most = ["decompress-weights", "--max-output=1", "--tensor=a", "-o", "b", "x.vxw"];
    f.run(&most).bad(4, &["content"]);
}

/// A list of 300,000 tensors of no bytes: memory without content.
#[test]
fn a_long_list_is_bounded() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    let tensor = |i| format!(r#""{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#);
    let tensors: Vec<String> = (0..300_000).map(tensor).collect();
    f.write("x", &listed(&format!("{{{}}}", tensors.join(",")), &[]));
    f.run(&["compress-weights", "-1", "--verify=none", "x"]).good();
    for args in [&["--list", "x.vxw"][..], &["--list", "--json", "x.vxw"]] {
        let lines = f.run(&[&["decompress-weights"], args].concat()).good().out;
        assert!(lines.len() > 10_000_000, "{args:?}");
        refused(&f, 64, args);
    }
    refused(&f, 64, &["--tensor", "7", "-o", "b", "x.vxw"]);
    done(&f, 256, &["--tensor", "7", "-fo", "b", "x.vxw"]);
    // To decode it, nobody needs the list.
    done(&f, 64, &["--test", "-T8", "x.vxw"]);
}

/// Names of any length, and with anything in them: each is printed whole, and no other row is longer for it.
#[test]
fn long_names_are_listed() {
    let f = Folder::new();
    let long = "n".repeat(70_000);
    let names = ["-", "a", r"\u001b[31mred\n", &long];
    let tensor = |name| format!(r#""{name}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#);
    let tensors: Vec<String> = names.iter().map(tensor).collect();
    f.write("x", &listed(&format!("{{{}}}", tensors.join(",")), &[]));
    f.run(&["compress-weights", "x"]).good();
    let list = f.run(&["decompress-weights", "--list", "x.vxw"]).good();
    let rows: Vec<&str> = list.text().lines().skip(2).collect();
    let shown = ["-", r"\u{1b}[31mred\n", "a", &long];
    assert_eq!(rows.len(), shown.len());
    for name in shown {
        let row = rows.iter().find(|r| r.trim_start().split(' ').next() == Some(name));
        let row = row.unwrap_or_else(|| panic!("{name:?} is not there"));
        assert!(row.len() < 120 || name == long, "{row:?}");
    }
    let json = f.run(&["decompress-weights", "--list", "--json", "x.vxw"]).good();
    assert!(json.text().contains(&long));
}

/// What came out of some blocks is memory while the next ones are read: as many zeros as fit, then blocks that are as long
/// coded as not.
#[test]
fn what_came_out_last_is_counted() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    let mut next = noise(5);
    let random = (0..7 << 20).flat_map(|_| (next() as u32).to_le_bytes());
    let content: Vec<u8> = std::iter::repeat_n(0, 48 << 20).chain(random).collect();
    f.write("x", &content);
    f.run(&["compress-weights", "-2", "--verify=none", "x"]).good();
    done(&f, 72, &["--test", "-T32", "x.vxw"]);
}

/// An index is there twice while it is read, and not while blocks are decoded.
#[test]
fn the_bytes_of_an_index_are_not_kept() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    let gathered = vec![b'g'; 8 << 20];
    f.write("long.vxw", &long_index(&gathered, (112 << 20) / 45));
    let args = ["decompress-weights", "-M", "128", "--list", "long.vxw"];
    let list = f.run(&args).good();
    assert!(list.text().contains(" 0 tensors"), "{list:?}");
    let peak = peak_of(&f, &args, 0);
    println!("{peak} MiB");
    assert!(peak <= 128, "{peak} MiB");
}

/// An archive of a gathered block, and `n` blocks of nothing that decodes, each five bytes of the index.
fn long_index(gathered: &[u8], n: usize) -> Vec<u8> {
    let len = gathered.len() as u64;
    let mut index = Vec::new();
    // Its first bytes by themselves: who asks for tensors reads no more.
    for number in [len, len + 1, n as u64 + 2, 16 << 2 | 2, (len - 16) << 2 | 2] {
        vxc_entropy::write_varint(&mut index, number);
    }
    for _ in 0..n {
        vxc_entropy::write_varint(&mut index, (1 << 24) << 2);
        vxc_entropy::write_varint(&mut index, 1);
    }
    let block = [b"\0", gathered].concat();
    let mut blocks = [&block[..], &crc(&block)].concat();
    blocks.resize(blocks.len() + 5 * n, 0);
    archive(&blocks, &index, len + ((n as u64) << 24))
}

/// An archive whose index says a million times: the same byte again.
#[test]
fn a_long_index_is_bounded() {
    if !peaks_are_measured() {
        return;
    }
    let f = Folder::new();
    f.write("same.vxw", &same(1_000_000));
    refused(&f, 32, &["--test", "same.vxw"]);
    refused(&f, 32, &["--list", "same.vxw"]);
    refused(&f, 32, &["-o", "x", "same.vxw"]);
    // It fits, and is what it says; but it is not content with this hash.
    let peak = peak_of(&f, &["decompress-weights", "-M", "96", "--test", "-T8", "same.vxw"], 1);
    println!("{peak} MiB to find out");
    assert!(peak <= 96, "{peak} MiB");
}

/// A byte, and `n` times the same one.
fn same(n: u64) -> Vec<u8> {
    let mut index = vec![0];
    vxc_entropy::write_varint(&mut index, n + 1);
    index.extend([4, 2]);
    index.extend([5, 0].repeat(n as usize));
    archive(&[&b"\0A"[..], &crc(b"\0A")].concat(), &index, n + 1)
}

/// Blocks, an index, and what says that it is whole; only the content has another hash.
fn archive(blocks: &[u8], index: &[u8], len: u64) -> Vec<u8> {
    let mut footer = (index.len() as u64).to_le_bytes().to_vec();
    footer.extend(crc(index));
    footer.extend(len.to_le_bytes());
    footer.extend([0; 32]);
    footer.extend(crc(&footer));
    [b"\x89VXW\r\n\x1a\x01", blocks, index, &footer, b"VXW end\n"].concat()
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    vxc_format::content::crc32c(bytes).to_le_bytes()
}
