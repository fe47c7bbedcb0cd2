//! `vxc_fuzz::targets`, target "header".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("header").expect("a target")(data));
