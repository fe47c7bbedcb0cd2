//! The level flags `-1` … `-9` and `--level N`: the last one given counts.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

/// A level as given, not checked yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelFlags {
    /// The number, if a flag was given.
    pub number: Option<u8>,
}

const HELP: &str = "Level, also given as -1 … -9 [default: 5]
-1 -2 -3: static, for data in daily use
-4 -5 -6: adaptive mixing, for archives; about 2 MB/s per thread both ways at -5
-7 -8 -9: neural, for the coldest data; they need a --model with a network (train, export) or a
--train-budget: -7 codes with the network alone, -8 mixes it with adaptive contexts, -9 with more of them
if the model was exported for it. Without a network they are -6";

/// Names of the arguments `-1` … `-9`.
const IDS: [&str; 9] = ["-1", "-2", "-3", "-4", "-5", "-6", "-7", "-8", "-9"];

impl Args for LevelFlags {
    fn augment_args(command: Command) -> Command {
        let mut command = command.arg(
            Arg::new("level")
                .long("level")
                .value_name("N")
                .help(HELP)
                .value_parser(clap::value_parser!(u8))
                .overrides_with("level")
                .overrides_with_all(IDS),
        );
        for (digit, id) in ('1'..='9').zip(IDS) {
            command = command.arg(
                Arg::new(id)
                    .short(digit)
                    .action(ArgAction::SetTrue)
                    .hide(true)
                    .overrides_with("level")
                    .overrides_with_all(IDS),
            );
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LevelFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let digit = IDS.iter().zip(1..).find(|(id, _)| matches.get_flag(id)).map(|(_, n)| n);
        Ok(Self { number: matches.get_one::<u8>("level").copied().or(digit) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
