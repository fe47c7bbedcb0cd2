//! `completions` and `man`: from the same definitions as the help.

use std::io;
use std::path::Path;

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::console::print;
use crate::failure::Failure;

/// Prints the completion script of a shell.
///
/// # Errors
/// I/O.
pub fn completions(how: &CompletionsArgs) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(how.shell, &mut Cli::command(), "vxc", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Prints the manual page of the program, or writes those of all commands into a folder.
///
/// # Errors
/// I/O.
pub fn man(how: &ManArgs) -> Result<u8, Failure> {
    match &how.output {
        Some(folder) => pages(folder).map_err(Failure::io("cannot write"))?,
        None => {
            let mut page = Vec::new();
            let man = clap_mangen::Man::new(Cli::command());
            man.render(&mut page).map_err(Failure::io("cannot write"))?;
            print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(0)
}

fn pages(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}
