//! `vxc_fuzz::targets`, target "weights".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("weights").expect("a target")(data));
