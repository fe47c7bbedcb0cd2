//! Codes a file with the byte model and prints what it costs: `bytes FILE [STRIDE] [LEVEL]`.

use std::time::Instant;
use vxc_entropy::CostCounter;
use vxc_predict::bytes::{ByteKind, ByteModel, ByteModelConfig};
use vxc_tokens::{Endian, Kind, RecordLayout};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let data = std::fs::read(&args[1]).expect("readable file");
    let stride: usize = args.get(2).map_or(0, |s| s.parse().expect("stride"));
    let level: u32 = args.get(3).map_or(5, |s| s.parse().expect("level"));
    let kind = if stride == 0 {
        ByteKind::Text
    } else {
        ByteKind::Record(
            RecordLayout::array(Kind::F32, Endian::Little, stride / 4).expect("stride"),
        )
    };
    let config = ByteModelConfig { kind, level, len: data.len() as u64 };
    let mut model = ByteModel::new(&config);
    let mut cost = CostCounter::new();
    let start = Instant::now();
    model.encode(&mut cost, &data);
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} {} bytes, ratio {:.4}, {:.3} MB/s, {} MiB",
        args[1],
        data.len(),
        data.len() as f64 * 8.0 / cost.bits(),
        data.len() as f64 / 1e6 / seconds,
        ByteModel::kept_bytes(&config) >> 20
    );
}
