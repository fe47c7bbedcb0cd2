//! `vxc_fuzz::targets`, target "unpack".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("unpack").expect("a target")(data));
