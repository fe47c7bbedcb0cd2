//! `vxc_fuzz::targets`, target "model".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("model").expect("a target")(data));
