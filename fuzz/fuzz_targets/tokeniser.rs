//! `vxc_fuzz::targets`, target "tokeniser".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("tokeniser").expect("a target")(data));
