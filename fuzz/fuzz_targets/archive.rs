//! `vxc_fuzz::targets`, target "archive".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("archive").expect("a target")(data));
