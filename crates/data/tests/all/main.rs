//! Readers and writers of scientific files. All tests are one program, which links once and keeps both processors
//! busy; `--test all -- NAME::` runs those of a file.

mod common;
mod fixtures;
mod hdf5;
mod hdf5_hostile;
mod hdf5_reference;
mod hdf5_rewrite;
mod hostile;
mod npy;
mod reference;
