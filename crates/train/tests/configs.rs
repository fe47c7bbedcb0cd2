//! The configurations of the repository are valid, and a step of each fits the memory that it is for.

use std::path::Path;

use vxc_train::Config;
use vxc_train::run::Sizes;

#[test]
fn every_configuration_fits_its_device() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let mut seen = 0;
    for (name, gigabytes) in [
        ("colab_t4", 15.0),
        ("rtx4070_8gb", 8.0),
        ("default", 12.0),
        ("rtx4090_24gb", 24.0),
        ("amd_mi300x", 192.0),
        ("cpu", 2.0),
        ("cpu_memory", 2.0),
    ] {
        let config = Config::load(Some(&folder.join(format!("{name}.yaml"))), &[]).unwrap();
        let sizes = Sizes::new(&config, None).unwrap();
        println!("{name}: {sizes:?}, {:.1} GB", sizes.total());
        assert!(sizes.total() < 0.9 * gigabytes, "{name}: {:.1} GB", sizes.total());
        seen += 1;
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), seen);
}
