//! `vxc_fuzz::targets`, target "numpy".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("numpy").expect("a target")(data));
