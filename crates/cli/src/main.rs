//! The program `vxc`: flags become checked options ([`args`], [`options`]), options become a job, a job runs
//! over its files one after the other; a file that fails does not stop the others.
#![forbid(unsafe_code)]

mod args;
mod batch;
mod compress;
mod console;
mod data;
mod decompress;
#[cfg(feature = "evaluate")]
mod evaluate;
mod experiment;
#[cfg(feature = "train")]
mod export;
mod failure;
mod fit;
mod generate;
mod input;
mod inspect;
mod layout;
mod levels;
mod list;
mod meta;
mod options;
mod output;
mod panics;
mod progress;
mod rebuild;
mod salvage;
mod self_test;
mod signals;
mod streams;
#[cfg(feature = "train")]
mod train;
mod training;
mod unpacked;
mod weights;

use std::process::ExitCode;

use crate::console::Console;
use crate::options::Job;

fn main() -> ExitCode {
    let code = match args::parse(std::env::args_os()) {
        Ok(cli) => run(cli),
        Err(code) => code,
    };
    ExitCode::from(code)
}

/// Runs what the arguments ask for and gives the exit code.
fn run(cli: args::Cli) -> u8 {
    let console = Console::new(cli.talk());
    panics::install();
    let work = || {
        let job = Job::new(cli, &console)?;
        vxc_infer::Isa::from_env().map_err(vxc::Error::from)?;
        signals::install()?;
        batch::run(&job, &console)
    };
    panics::caught(work).unwrap_or_else(|failure| {
        console.error(None, &failure);
        failure.code()
    })
}
