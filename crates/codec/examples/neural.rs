use cpu_time::ThreadTime as Instant;
use vxc::{Form, StreamCode};
use vxc_entropy::{RangeDecoder, RangeEncoder};
use vxc_infer::IntModel;
use vxc_predict::fields::FieldModel;
use vxc_predict::neural::{Network, NeuralModel};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let code = StreamCode::from_bytes(&std::fs::read(&a[1]).unwrap()).unwrap();
    let Form::Fields(t) = &code.form else { panic!() };
    let net = Network::new(
        IntModel::from_bytes(&std::fs::read(&a[2]).unwrap()).unwrap(),
        a[7] != "memory",
    );
    let size = code.record_bytes();
    let read = |p: &str| {
        let mut x = std::fs::read(p).unwrap();
        x.truncate(x.len() / size * size);
        x
    };
    let (train, test) = (read(&a[3]), read(&a[4]));
    let levels: Vec<u32> = a[5].split(',').map(|s| s.parse().unwrap()).collect();
    let lanes: Vec<usize> = a[6].split(',').map(|s| s.parse().unwrap()).collect();
    let records = (16 << 20) / size as u64;
    for level in levels {
        if level >= 10 {
            let mut m = FieldModel::new(t, records, level - 10);
            let s = Instant::now();
            m.encode(t, &mut RangeEncoder::new(), &train).unwrap();
            m.restart();
            let ts = s.elapsed().as_secs_f64();
            let mut c = RangeEncoder::new();
            m.encode(t, &mut c, &test).unwrap();
            println!(
                "mix {} alone: {:.4} ({:.2} MB/s)",
                level - 10,
                test.len() as f64 / c.finish().len() as f64,
                train.len() as f64 / 1e6 / ts
            );
            continue;
        }
        for &l in &lanes {
            let fresh = || {
                if level == 0 { NeuralModel::pure() } else { NeuralModel::mixed(t, records, level) }
            };
            let mut m = fresh();
            let mut c = RangeEncoder::new();
            let s = Instant::now();
            m.encode(&net, t, l, &mut c, &test).unwrap();
            let es = s.elapsed().as_secs_f64();
            let coded = c.finish();
            let mut out = vec![0; test.len()];
            let s = Instant::now();
            fresh().decode(&net, t, l, &mut RangeDecoder::new(&coded), &mut out).unwrap();
            let ds = s.elapsed().as_secs_f64();
            assert!(out == test);
            let mb = test.len() as f64 / 1e6;
            print!(
                "contexts {level} lanes {l}: fresh {:.4} ({:.2} MB/s in, {:.2} out)",
                test.len() as f64 / coded.len() as f64,
                mb / es,
                mb / ds
            );
            if level > 0 && a.len() > 8 {
                let mut m = fresh();
                m.encode(&net, t, 256, &mut RangeEncoder::new(), &train).unwrap();
                let mut c = RangeEncoder::new();
                m.encode(&net, t, l, &mut c, &test).unwrap();
                print!(" primed {:.4}", test.len() as f64 / c.finish().len() as f64);
            }
            println!();
        }
    }
}
