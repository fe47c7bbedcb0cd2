//! `vxc_fuzz::targets`, target "root".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("root").expect("a target")(data));
