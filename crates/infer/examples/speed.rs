//! Speed of the matrix kernel and of the engine, in CPU time of one thread, for every instruction set of this machine.
//!
//! ```sh
//! cargo run --release -p vxc-infer --example speed
//! ```

use std::sync::Arc;
use std::time::Duration;

use cpu_time::ThreadTime;
use vxc_infer::kernels::matrix::{PairOfRows, ROWS, multiply};
use vxc_infer::weights::random::Fill;
use vxc_infer::{Engine, Input, IntConfig, IntModel, Isa, ModelError, PackedModel, Token};

/// Bytes of a record of 30 float fields and a 4-byte counter, the jets of the project's samples.
const RECORD_BYTES: f64 = 124.0;
const FIELDS: u16 = 30;

fn main() -> Result<(), ModelError> {
    println!("matrix kernel, GMAC/s\n{:>8} {:>5} {:>5} {:>7}", "isa", "d", "B", "GMAC/s");
    for isa in Isa::available() {
        for d in [64, 128, 256, 512] {
            for columns in [1, 4, 16, 64] {
                println!("{:>8} {d:>5} {columns:>5} {:>7.1}", isa.name(), kernel(isa, d, columns));
            }
        }
    }
    println!("\nengine, {FIELDS} fields a record");
    println!(
        "{:>8} {:>7} {:>5} {:>9} {:>11} {:>7} {:>7}",
        "isa", "preset", "lanes", "positions", "records/s", "MB/s", "GMAC/s"
    );
    for isa in Isa::available() {
        for (name, config) in
            [("record", IntConfig::record(FIELDS)), ("memory", IntConfig::memory(FIELDS))]
        {
            let macs = config.macs_per_symbol() as f64 * f64::from(FIELDS);
            let model = Arc::new(PackedModel::new(IntModel::random(config, 1, Fill::Typical)?));
            for (lanes, positions) in [(1, 1), (16, 1), (64, 1), (16, usize::from(FIELDS))] {
                let seconds = record_seconds(&model, isa, lanes, positions)?;
                println!(
                    "{:>8} {name:>7} {lanes:>5} {positions:>9} {:>11.0} {:>7.3} {:>7.1}",
                    isa.name(),
                    1.0 / seconds,
                    RECORD_BYTES / seconds / 1e6,
                    macs / seconds / 1e9,
                );
            }
        }
    }
    Ok(())
}

/// Seconds of CPU time for one run of `work`: in batches so long that reading the clock does not count.
fn seconds(mut work: impl FnMut()) -> f64 {
    let mut runs = 1u32;
    loop {
        let start = ThreadTime::now();
        (0..runs).for_each(|_| work());
        let time = start.elapsed();
        if time >= Duration::from_millis(200) {
            return time.as_secs_f64() / f64::from(runs);
        }
        runs *= 2;
    }
}

/// GMAC/s of a d × d matrix times `columns`.
fn kernel(isa: Isa, d: usize, columns: usize) -> f64 {
    let pairs = d / 2;
    let weight = |i: usize| (i * 37 % 255) as u8 as i8 / 2;
    let panels: Vec<PairOfRows> = (0..d / ROWS * pairs)
        .map(|i| std::array::from_fn(|r| [weight(i + r), weight(i * 3 + r)]))
        .collect();
    let x: Vec<i16> = (0..d * columns).map(|i| (i * 7919 % 4001) as i16 - 2000).collect();
    let mut sums = vec![[0; ROWS]; columns];
    let time = seconds(|| {
        for panel in panels.chunks_exact(pairs) {
            multiply(isa, panel, &x, d, &mut sums);
            std::hint::black_box(&mut sums);
        }
    });
    (d * d * columns) as f64 / time / 1e9
}

/// Seconds for a record of one lane, `positions` given in one call.
fn record_seconds(
    model: &Arc<PackedModel>,
    isa: Isa,
    lanes: usize,
    positions: usize,
) -> Result<f64, ModelError> {
    let fields = usize::from(FIELDS);
    let mut engine = Engine::new(Arc::clone(model), lanes, isa)?;
    let inputs: Vec<Input> = (0..lanes * fields)
        .map(|i| Input {
            previous: Token {
                symbol: (i * 7919 % 256) as u16,
                fraction: i as u8,
                copied: i % 7 == 0,
            },
            above: (i * 31 % 256) as u16,
        })
        .collect();
    let alone = model.config().memory.is_none();
    let mut record = || {
        if alone {
            engine.reset(0);
        }
        for inputs in inputs.chunks(lanes * positions) {
            engine.run(inputs, |_, cdfs| {
                std::hint::black_box(cdfs);
            });
        }
    };
    if !alone {
        (0..40).for_each(|_| record()); // until window and memory are full
    }
    Ok(seconds(record) / lanes as f64)
}
