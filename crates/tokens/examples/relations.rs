//! Prints the relations found in a table of fixed-size records.
//!
//! usage: relations FILE RECORD_BYTES   (all fields f32)
//!        relations FILE                (fields from FILE's .meta.json)
//!
//! The fields are read from the sidecar's `dtype` or `columns` list by a scan for strings, enough for a
//! look at a file; the codec has a real reader.

use std::time::Instant;

use vxc_tokens::layout::{Endian, Field, Kind, RecordLayout};
use vxc_tokens::relation::{SearchOptions, find_relations};

/// Most sampled rows, and most sampled values.
const ROWS: usize = 8192;
const VALUES: usize = 1 << 22;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let Some(file) = args.get(1) else {
        eprintln!("usage: relations FILE [RECORD_BYTES]");
        std::process::exit(2);
    };
    let bytes = std::fs::read(file).unwrap_or_else(|e| fail(&format!("{file}: {e}")));
    let layout = match args.get(2).map(|a| a.parse::<usize>()) {
        Some(Ok(n)) => RecordLayout::array(Kind::F32, Endian::Little, n / 4),
        Some(Err(e)) => fail(&e.to_string()),
        None => sidecar(&file.replace(".bin", ".meta.json")),
    };
    let layout = layout.unwrap_or_else(|e| fail(&e.to_string()));
    let records: Vec<&[u8]> = bytes.chunks_exact(layout.record_bytes).collect();
    let kinds: Vec<Kind> = layout.fields.iter().map(|f| f.kind).collect();
    let names: Vec<String> = layout.fields.iter().map(|f| f.name.clone()).collect();
    let wanted = ROWS.min(VALUES / layout.fields.len().max(1)).min(records.len());
    // Runs of 256 records, spread over the file.
    let runs = wanted.div_ceil(256).max(1);
    let mut rows = Vec::new();
    for i in 0..runs {
        let start = if runs > 1 { i * (records.len().saturating_sub(256)) / (runs - 1) } else { 0 };
        let start = start.max(rows.last().map_or(0, |&r: &usize| r + 1));
        rows.extend(start..(start + 256).min(records.len()));
    }
    let columns: Vec<Vec<u64>> =
        layout.fields.iter().map(|f| rows.iter().map(|&r| f.load(records[r])).collect()).collect();
    let options = SearchOptions { records_total: records.len() as u64, ..Default::default() };
    let start = Instant::now();
    let found = find_relations(&kinds, &columns, &options);
    let time = start.elapsed();
    let mut total = 0.0;
    for (f, p) in found.predictors.iter().enumerate() {
        if let Some(p) = p {
            let name = if names[f].is_empty() { format!("#{f}") } else { names[f].clone() };
            let (saved, alone) = (found.saved_bits[f], found.alone_bits[f]);
            println!("{saved:7.3} of {alone:6.3}  {name} = {}", p.describe(&names));
            total += found.saved_bits[f];
        }
    }
    println!(
        "{} fields, {} records, {} sampled: {total:.2} bits a record saved by {} relations, {} operations, {time:.2?}",
        kinds.len(),
        records.len(),
        rows.len(),
        found.predictors.iter().flatten().count(),
        found.operations,
    );
}

fn fail(message: &str) -> ! {
    eprintln!("relations: {message}");
    std::process::exit(1);
}

/// Fields of a sidecar: pairs ["name", "<f4"] of `dtype`, or `columns` of f32.
fn sidecar(path: &str) -> Result<RecordLayout, vxc_tokens::TokenError> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| fail(&format!("{path}: {e}")));
    let list = |key: &str| {
        let from = text.find(&format!("\"{key}\""))? + key.len() + 2;
        let mut depth = 0;
        for (i, c) in text[from..].char_indices() {
            match c {
                '[' => depth += 1,
                ']' if depth == 1 => {
                    let words = text[from..from + i].split('"').skip(1).step_by(2);
                    return Some(words.map(str::to_string).collect::<Vec<_>>());
                }
                // Brackets inside names come in pairs.
                ']' => depth -= 1,
                _ => {}
            }
        }
        None
    };
    let mut fields = Vec::new();
    let mut offset = 0;
    let mut add = |name: &str, kind: Kind| {
        let group = fields.len() as u32;
        fields.push(Field { name: name.into(), offset, kind, endian: Endian::Little, group });
        offset += kind.bytes();
    };
    if let Some(words) = list("dtype") {
        for pair in words.chunks_exact(2) {
            let kind = match pair[1].trim_start_matches(['<', '|']) {
                "f2" => Kind::F16,
                "f4" => Kind::F32,
                "f8" => Kind::F64,
                "i1" => Kind::I8,
                "i2" => Kind::I16,
                "i4" => Kind::I32,
                "i8" => Kind::I64,
                "u1" => Kind::U8,
                "u2" => Kind::U16,
                "u4" => Kind::U32,
                "u8" => Kind::U64,
                other => fail(&format!("dtype {other}")),
            };
            add(&pair[0], kind);
        }
    } else if let Some(words) = list("columns") {
        words.iter().for_each(|w| add(w, Kind::F32));
    }
    RecordLayout::new(offset, fields)
}
