//! One file per command group: its arguments and what it does.

mod agent;
mod approvals;
mod backup;
mod channels;
mod completion;
mod config;
mod cron;
mod devices;
mod doctor;
mod gateway;
mod keys;
mod login;
mod logs;
mod mcp;
mod memory;
mod message;
mod models;
mod pairing;
mod password;
mod restart;
mod rpc;
mod service;
mod sessions;

use std::future::Future;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use openclaw_config::Environment;

use crate::context::Context;
use crate::exit::{Failure, status};
use crate::logging;
use crate::output::Output;

/// A personal AI assistant that lives where you already talk.
///
/// Start it with `openclaw gateway run`, talk to it with `openclaw agent run -m "hello"`.
#[derive(Debug, Parser)]
#[command(name = "openclaw", version, propagate_version = true, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Print results as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Say more; twice says most.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// The gateway to talk to, such as https://host:18789, instead of the one of this machine.
    #[arg(long, global = true, value_name = "ADDRESS")]
    gateway: Option<String>,
    /// The SHA-256 of the certificate that the gateway shows; TLS with any other is refused.
    #[arg(long, global = true, value_name = "SHA256")]
    fingerprint: Option<String>,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Files:
  ~/.openclaw-rs/openclaw.toml   configuration; none is needed to begin
  ~/.openclaw-rs/                state: database, token, media, workspace

Environment:
  OPENCLAW_CONFIG, OPENCLAW_STATE_DIR, OPENCLAW_GATEWAY_PORT, OPENCLAW_GATEWAY_TOKEN, OPENCLAW_LOG,
  and the API keys of model providers, such as OPENAI_API_KEY or ANTHROPIC_API_KEY

Exit status:
  0 done, 1 failed, 2 usage, 3 configuration, 4 gateway not reachable, 5 refused, 6 not found,
  7 timed out, 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run, stop and look at the gateway.
    #[command(subcommand)]
    Gateway(gateway::GatewayCommand),
    /// Talk to the assistant, and see or stop what it does.
    #[command(subcommand)]
    Agent(agent::AgentCommand),
    /// See and connect chat channels.
    #[command(subcommand)]
    Channels(channels::ChannelsCommand),
    /// See, reset and delete sessions.
    #[command(subcommand)]
    Sessions(sessions::SessionsCommand),
    /// Read what was said, and send messages.
    #[command(subcommand)]
    Message(message::MessageCommand),
    /// Search what agents noted, and what was said before.
    #[command(subcommand)]
    Memory(memory::MemoryCommand),
    /// Decide who may talk to the assistant.
    #[command(subcommand)]
    Pairing(pairing::PairingCommand),
    /// Make, list and end API keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Sign in to a gateway; later commands use it.
    Login(login::LoginArguments),
    /// Forget what `login` kept.
    Logout,
    /// Answer commands that wait for your word.
    #[command(subcommand)]
    Approvals(approvals::ApprovalsCommand),
    /// Let the assistant do something at some time, once or again and again.
    #[command(subcommand)]
    Cron(cron::CronCommand),
    /// Decide which devices of older clients may connect.
    #[command(subcommand)]
    Devices(devices::DevicesCommand),
    /// See, choose and try the models that answer.
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// See, check and change the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Use MCP servers, and be one.
    #[command(subcommand)]
    Mcp(mcp::McpCommand),
    /// Copy everything that is stored, check copies, put them back.
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Find out what is wrong, and what to do.
    Doctor(doctor::DoctorArguments),
    /// Read the gateway's log.
    Logs(logs::LogsArguments),
    /// Call any method of the gateway.
    Rpc(rpc::RpcArguments),
    /// Print a shell's completion script.
    Completion(completion::CompletionArguments),
}

/// Runs the program and gives its exit status.
pub(crate) fn main() -> ExitCode {
    let environment = Environment::capture();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let output = Output::new(arguments.json, environment.var("NO_COLOR").is_some());
    let context = Context {
        environment,
        output,
        verbose: arguments.verbose,
        gateway: arguments.gateway,
        fingerprint: arguments.fingerprint,
    };
    match dispatch(&context, arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.status)
        }
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    // clap writes help to standard output and mistakes to standard error.
    if error.print().is_err() {
        return ExitCode::from(status::FAILED);
    }
    if error.use_stderr() { ExitCode::from(status::USAGE) } else { ExitCode::SUCCESS }
}

fn dispatch(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Gateway(command) => gateway::run(context, command),
        Command::Agent(command) => agent::run(context, command),
        Command::Channels(command) => client(context, channels::run(context, command)),
        Command::Sessions(command) => client(context, sessions::run(context, command)),
        Command::Message(command) => client(context, message::run(context, command)),
        Command::Memory(command) => client(context, memory::run(context, command)),
        Command::Pairing(command) => client(context, pairing::run(context, command)),
        Command::Keys(command) => keys::run(context, &command),
        Command::Login(arguments) => login::run(context, &arguments),
        Command::Logout => login::forget(context),
        Command::Approvals(command) => client(context, approvals::run(context, command)),
        Command::Cron(command) => client(context, cron::run(context, command)),
        Command::Devices(command) => client(context, devices::run(context, command)),
        Command::Models(command) => client(context, models::run(context, command)),
        Command::Config(command) => config::run(context, command),
        Command::Mcp(command) => mcp::run(context, command),
        Command::Backup(command) => client(context, backup::run(context, command)),
        Command::Doctor(arguments) => doctor::run(context, &arguments),
        Command::Logs(arguments) => client(context, logs::run(context, arguments)),
        Command::Rpc(arguments) => rpc::run(context, arguments),
        Command::Completion(arguments) => {
            completion::run(context, &arguments, Arguments::command())
        }
    }
}

/// Runs a command that only talks to the gateway: on this thread, until it ends or Ctrl-C.
fn client<T>(
    context: &Context,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    logging::start("warn", context.environment.var("OPENCLAW_LOG"), context.verbose);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            interrupted = tokio::signal::ctrl_c() => match interrupted {
                Ok(()) => Err(Failure::interrupted()),
                Err(error) => Err(Failure::failed(format!("cannot wait for Ctrl-C: {error}"))),
            },
        }
    })
}
