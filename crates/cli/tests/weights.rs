//! `compress-weights` and `decompress-weights`, as a user runs them.

mod common;

use common::Folder;

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
