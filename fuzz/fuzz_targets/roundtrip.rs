//! `vxc_fuzz::targets`, target "roundtrip".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("roundtrip").expect("a target")(data));
