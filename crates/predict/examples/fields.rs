//! Bits of a file of f32 records under the field model: `fields FILE RECORD_BYTES LEVEL BIN_BITS [TRAIN]`.
use vxc_entropy::CostCounter;
use vxc_predict::fields::FieldModel;
use vxc_tokens::{Endian, FitOptions, Kind, RecordLayout, fit};

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mut data = std::fs::read(&a[1]).expect("file");
    let size: usize = a[2].parse().expect("record bytes");
    let level: u32 = a[3].parse().expect("level");
    let bin_bits: u64 = a[4].parse().expect("bin bits");
    let train = a.get(5).map(|p| std::fs::read(p).expect("train file"));
    let layout = RecordLayout::array(Kind::F32, Endian::Little, size / 4).expect("layout");
    let n = data.len() / size;
    data.truncate(n * size);
    let options = FitOptions { records: n as u64, bin_bits, ..FitOptions::default() };
    let t = std::time::Instant::now();
    let sample = train.as_ref().unwrap_or(&data);
    let tokeniser = fit(&layout, &sample[..sample.len() / size * size], &options).expect("fit");
    let fit_time = t.elapsed();
    let mut wire = vxc_tokens::wire::Wire::new(CostCounter::new());
    tokeniser.write(&mut wire);
    let header = wire.into_inner().bits();
    let mut model = FieldModel::new(&tokeniser, n as u64, level);
    if let Some(t) = train {
        let n = t.len() / size * size;
        let mut c = CostCounter::new();
        model.encode(&tokeniser, &mut c, &t[..n]).expect("encode");
        model.restart();
    }
    let t = std::time::Instant::now();
    let mut c = CostCounter::new();
    model.encode(&tokeniser, &mut c, &data).expect("encode");
    let time = t.elapsed().as_secs_f64();
    println!(
        "{}: fit {fit_time:.2?}, header {:.0} B, data {:.0} B, ratio {:.4} (with header {:.4}), {:.2} MB/s",
        a[1],
        header / 8.0,
        c.bits() / 8.0,
        data.len() as f64 * 8.0 / c.bits(),
        data.len() as f64 * 8.0 / (c.bits() + header),
        data.len() as f64 / 1e6 / time
    );
}
