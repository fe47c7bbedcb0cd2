//! The program `vxc`.
fn main() {}
