//! `vxc_fuzz::targets`, target "hdf5".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("hdf5").expect("a target")(data));
