//! `kleos`: the command line, each service, and all of them in one process.
//!
//! `cli` says what can be typed, `config` what `kleos.toml` means; each command is a file of its
//! own. Exit codes: 0 fine, 1 failed, 2 wrong usage, 64 wrong configuration.

mod cli;
mod config;
mod first_start;
mod gateway;
mod lag;
mod learner;
mod open;
mod output;
mod rules;
mod serve;
mod state;
mod tail;
mod topics;
mod up;

use std::process::ExitCode;

use clap::Parser;
use kleos_service_kit::bootstrap;

/// Records are many small pieces of text: the system's allocator took a fifth of the processor's
/// time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    bootstrap::main(|| cli::run(cli))
}
