//! `vxc_fuzz::targets`, target "remake".
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vxc_fuzz::targets::named("remake").expect("a target")(data));
