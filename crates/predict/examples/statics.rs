//! Static coding of a file of f32 records:
//! `statics FILE RECORD_BYTES BIN_BITS contexts|plain exact|bits [relations]`.
use vxc_entropy::CostCounter;
use vxc_predict::static_model::contexts::Contexts;
use vxc_predict::static_model::{StaticModel, StaticPlan};
use vxc_tokens::{Endian, FitOptions, Kind, RecordLayout, fit};

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mut data = std::fs::read(&a[1]).expect("file");
    let size: usize = a[2].parse().expect("record bytes");
    let layout = RecordLayout::array(Kind::F32, Endian::Little, size / 4).expect("layout");
    let n = data.len() / size;
    data.truncate(n * size);
    let options = FitOptions {
        records: n as u64,
        bin_bits: a[3].parse().expect("bin bits"),
        relations: a.get(6).is_some_and(|a| a == "relations"),
        ..FitOptions::default()
    };
    let tokeniser = fit(&layout, &data, &options).expect("fit");
    let steps = tokeniser.steps().len();
    let contexts = if a[4] == "contexts" {
        Contexts::choose(&tokeniser, &data, n as u64)
    } else {
        Contexts::none(steps)
    };
    let mut wire = vxc_tokens::wire::Wire::new(CostCounter::new());
    tokeniser.write(&mut wire);
    Contexts::code(&mut wire, Some(&contexts), steps).expect("contexts");
    let header = wire.into_inner().bits() / 8.0;
    let used = contexts.0.iter().flatten().count();
    let plan = StaticPlan { contexts, exact: a[5] == "exact" };
    let time = |f: &mut dyn FnMut()| {
        let mut best = f64::MAX;
        for _ in 0..25 {
            let t = std::time::Instant::now();
            f();
            best = best.min(t.elapsed().as_secs_f64());
        }
        data.len() as f64 / 1e6 / best
    };
    let mut coded = Vec::new();
    let encode =
        time(&mut || coded = StaticModel::new(&tokeniser, &plan).encode(&tokeniser, &plan, &data));
    let mut back = Vec::new();
    let decode = time(&mut || {
        back.clear();
        StaticModel::new(&tokeniser, &plan)
            .decode(&tokeniser, &plan, &coded, n, &mut back)
            .expect("decode");
    });
    assert!(back == data, "round trip");
    println!(
        "{}: header {header:.0} B, contexts {used}, coded {} B, ratio {:.4}, in {encode:.0} MB/s, out {decode:.0} MB/s",
        a[1],
        coded.len(),
        data.len() as f64 / (coded.len() as f64 + header)
    );
}
