//! What files of compressed blocks become: for each, its size, its content, xz -9 of that content (its columns one after the
//! other), and of ROOT files the size with every block compressed by ROOT's strongest setting, LZMA 9.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use vxc_data::root::compression;
use vxc_remake::codec::{Codec, remake};
use vxc_remake::{Plan, RemakeError, pack, scan};

/// Preset 9, with the dictionary that ROOT takes: a quarter of the content.
const STRONGEST: u8 = 19;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:<44} {:>10} {:>11} {:>10} {:>10}", "file", "bytes", "content", "xz -9", "LZMA 9");
    for name in std::env::args().skip(1) {
        let open = || File::open(&name).map(BufReader::new);
        let Some(plan) = scan(open()?)? else {
            println!("{name}: not of a format that is opened");
            continue;
        };
        let mut file = open()?;
        let mut xz = liblzma::write::XzEncoder::new(Count::default(), 9);
        let tally = pack(&mut file, &plan, |group| {
            for section in group {
                xz.write_all(&section.bytes).map_err(RemakeError::from)?;
            }
            Ok::<_, RemakeError>(())
        })?;
        let best = match plan.container {
            1 => strongest(&mut file, &plan)?.to_string(),
            _ => "-".into(),
        };
        let short = name.rsplit('/').next().unwrap_or(&name);
        let bytes = file.seek(SeekFrom::End(0))?;
        println!(
            "{short:<44} {bytes:>10} {:>11} {:>10} {best:>10}",
            tally.form_bytes,
            xz.finish()?.0
        );
    }
    Ok(())
}

/// Bytes of a ROOT file whose blocks are compressed by LZMA 9, or stored where that is smaller; headers as they are.
fn strongest(
    file: &mut (impl Read + Seek),
    plan: &Plan,
) -> Result<u64, Box<dyn std::error::Error>> {
    let mut total = 0;
    for item in &plan.items {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(item.offset))?;
        file.take(item.bytes).read_to_end(&mut bytes)?;
        let key = item.piece.as_ref().map_or(0, |piece| piece.key_bytes as usize);
        let framed = item.piece.as_ref().filter(|piece| piece.framed);
        let stored = bytes.get(key..).unwrap_or_default();
        let blocks = framed.and_then(|piece| compression::blocks(stored, piece.content_bytes).ok());
        let Some(blocks) = blocks else {
            total += item.bytes;
            continue;
        };
        total += key as u64;
        for block in &blocks {
            let mut content = Vec::new();
            block.decompress(stored, &mut content)?;
            let made =
                remake(Codec::Lzma, STRONGEST, &content)?.map_or(content.len(), |made| made.len());
            total += made.min(content.len()) as u64 + compression::BLOCK_HEADER as u64;
        }
    }
    Ok(total)
}

/// Counts what is written.
#[derive(Default)]
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
