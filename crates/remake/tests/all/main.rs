//! Files made again from their blocks. All tests are one program, which links once and keeps both processors busy;
//! `--test all -- NAME::` runs those of a file.

mod chunks;
mod files;
mod gnu;
mod gzip;
mod limits;
mod properties;
