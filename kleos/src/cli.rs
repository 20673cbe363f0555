//! What can be typed. A registry: one entry a command.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use kleos_service_kit::failure::Failure;

use crate::{gateway, lag, learner, output, rules, serve, state, tail, topics, up};

/// Turns what learners do in any learning platform into points and badges, exactly once.
#[derive(Debug, Parser)]
#[command(name = "kleos", version, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Cli {
    /// The configuration [default: kleos.toml; of `up`: kleos.toml in its data directory].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  kleos up                                    all services in one process, without Kafka
  kleos tail awards                           awards as they come
  kleos learner demo moodle-demo/8774         balance, badges, what is left of each limit
  kleos rules publish rules.json --tenant demo
  kleos topics apply                          makes topics and registers schemas on Kafka

Exit codes: 0 fine, 1 failed, 2 wrong usage, 64 wrong configuration.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs all services in one process on an embedded log.
    ///
    /// The first start makes the data directory and a commented configuration with tokens of its
    /// own, and says how to send an event.
    #[command(after_help = "Examples:
  kleos up                      data and configuration in ./kleos-data
  kleos up --data /srv/kleos
  kleos up --config kleos.toml  a configuration of your own; its process.data says where")]
    Up(UpArgs),
    /// Runs the ingest-gateway on Kafka: webhooks in; or checks what it would take.
    #[command(after_help = "Examples:
  kleos gateway                            the service
  kleos gateway check --config kleos.toml  every mistake; else who may send, where and how")]
    Gateway(GatewayArgs),
    /// Runs the normalizer on Kafka: raw webhooks to canonical events.
    Normalizer(ServiceArgs),
    /// Runs the rules-processor on Kafka: events to awards; or publishes rules.
    #[command(after_help = "Examples:
  kleos rules                                       the service
  kleos rules validate rules.json                   every mistake, with line and column
  kleos rules publish rules.json --tenant campus-a  asks a running rules-processor to publish")]
    Rules(RulesArgs),
    /// Runs the analytics-sink on Kafka: awards to Mixpanel.
    Sink(ServiceArgs),
    /// Makes or checks the topics and schemas on Kafka.
    Topics(TopicsArgs),
    /// Shows a learner: balance, badges, recent awards, what is left of each limit.
    #[command(after_help = "Examples:
  kleos learner demo moodle-demo/8774
  kleos learner demo moodle-demo/8774 --json")]
    Learner(LearnerArgs),
    /// Prints the records of a topic as JSON, one a line.
    #[command(after_help = "Examples:
  kleos tail awards                    awards from now on
  kleos tail kleos.awards.v1 --all     also those that there are
  kleos tail dead-letters --all --end  those that there are, then ends")]
    Tail(TailArgs),
    /// Shows how far each service has come in what it reads.
    #[command(after_help = "Examples:
  kleos lag
  kleos lag --json | jq -c 'select(.lag > 0)'")]
    Lag(LagArgs),
    /// Prints the local state of a rules-processor that does not run, one learner a line.
    State(StateArgs),
    /// Prints a script that completes commands for a shell.
    #[command(after_help = "Example: kleos completions bash > /etc/bash_completion.d/kleos")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// `kleos up`.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Where data and configuration lie.
    #[arg(long, value_name = "DIRECTORY", default_value = "kleos-data")]
    pub(crate) data: PathBuf,
}

/// One service.
#[derive(Debug, Args)]
pub(crate) struct ServiceArgs {
    /// A name that stays over restarts and that no other process of the service has [default:
    /// process.instance, else the host's name].
    #[arg(long, value_name = "NAME")]
    pub(crate) instance: Option<String>,
}

/// `kleos gateway`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct GatewayArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
    #[command(subcommand)]
    pub(crate) command: Option<GatewayCommand>,
}

/// What can be done with the gateway's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Prints who may send, where and how; exit code 1 if an instance has no credential that is
    /// good now, 64 with every mistake if there is one. Starts nothing, shows no secret.
    Check,
}

/// `kleos rules`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RulesArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
    #[command(subcommand)]
    pub(crate) command: Option<RulesCommand>,
}

/// What can be done with rules.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Checks a file of rules and prints every mistake with line and column.
    Validate {
        /// Rules as JSON.
        file: PathBuf,
    },
    /// Publishes a file of rules for a tenant. It holds for every event that is accepted from then
    /// on; a file with any mistake is refused as a whole.
    Publish {
        /// Rules as JSON.
        file: PathBuf,
        /// Whose learners it holds for.
        #[arg(long)]
        tenant: String,
    },
}

/// `kleos topics`.
#[derive(Debug, Args)]
pub(crate) struct TopicsArgs {
    #[command(subcommand)]
    pub(crate) command: TopicsCommand,
}

/// What can be done with topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum TopicsCommand {
    /// Makes topics and registers schemas that are not there. What is there stays as it is.
    Apply,
    /// Prints what is not as it should be; exit code 1 if anything is not.
    Check,
}

/// `kleos learner`.
#[derive(Debug, Args)]
pub(crate) struct LearnerArgs {
    /// The tenant.
    pub(crate) tenant: String,
    /// The learner's key, as campus-a/8774.
    pub(crate) learner: String,
    /// Prints the answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `kleos tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// The topic, as kleos.awards.v1 or awards.
    pub(crate) topic: String,
    /// Begins with the oldest record instead of the next one.
    #[arg(long)]
    pub(crate) all: bool,
    /// Ends where the topic ended when it was opened.
    #[arg(long)]
    pub(crate) end: bool,
    /// Where to read.
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// `kleos lag`.
#[derive(Debug, Args)]
pub(crate) struct LagArgs {
    /// One JSON object for each partition.
    #[arg(long)]
    pub(crate) json: bool,
    /// Where to look.
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// `kleos state`.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// The process's data directory [default: process.data].
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) data: Option<PathBuf>,
    /// Where its schemas are.
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// Which of the logs that the configuration names.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct LogArgs {
    /// Which log [default: kafka if the configuration has [kafka], else embedded].
    #[arg(long, value_enum)]
    pub(crate) log: Option<LogChoice>,
}

/// A log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogChoice {
    /// The one of `kleos up`.
    Embedded,
    /// The cluster of `[kafka]`.
    Kafka,
}

/// Carries out what was typed.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let config = cli.config.as_deref();
    match cli.command {
        Command::Up(args) => up::run(config, &args),
        Command::Gateway(args) => match args.command {
            None => serve::gateway(config, &args.service),
            Some(GatewayCommand::Check) => gateway::check(config),
        },
        Command::Normalizer(args) => serve::normalizer(config, &args),
        Command::Rules(args) => match args.command {
            None => serve::rules(config, &args.service),
            Some(RulesCommand::Validate { file }) => rules::validate(&file),
            Some(RulesCommand::Publish { file, tenant }) => rules::publish(config, &file, &tenant),
        },
        Command::Sink(args) => serve::sink(config, &args),
        Command::Topics(args) => topics::run(config, args.command),
        Command::Learner(args) => learner::run(config, &args),
        Command::Tail(args) => tail::run(config, &args),
        Command::Lag(args) => lag::run(config, &args),
        Command::State(args) => state::run(config, &args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kleos", &mut script);
            output::bytes(&script)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_service_and_its_commands_are_told_apart() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("kleos rules").is_ok());
        assert!(parse("kleos rules --instance a").is_ok());
        assert!(parse("kleos rules publish rules.json --tenant demo").is_ok());
        assert!(parse("kleos rules --instance a validate rules.json").is_err());
        assert!(parse("kleos").is_err());
        assert!(parse("kleos up --config a.toml").is_ok());
    }
}
