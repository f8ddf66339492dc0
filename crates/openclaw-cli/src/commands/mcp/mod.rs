//! MCP servers whose tools agents may call, and the gateway as one.

mod add;
mod edit;
mod list;
mod serve;
mod sign_in;
mod test;

use clap::{Args, Subcommand};
use openclaw_config::{Config, LoadRequest, Loaded, McpServer, load};
use openclaw_errors::OpenClawError;

use super::client;
use crate::compose::Channels;
use crate::context::Context;
use crate::exit::Failure;
use crate::logging;

#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// List the configured servers.
    List,
    /// Show one server's settings; secrets are masked.
    Show(NameArguments),
    /// Add a server to the configuration, or replace one.
    Add(Box<add::AddArguments>),
    /// Remove a server from the configuration.
    Remove(NameArguments),
    /// Use a server again that was disabled.
    Enable(NameArguments),
    /// Keep a server's settings without using it.
    Disable(NameArguments),
    /// Start or connect to a server once and list its tools.
    Test(TestArguments),
    /// Sign in at a server that asks for it.
    Login(NameArguments),
    /// Forget a sign-in.
    Logout(NameArguments),
    /// Be an MCP server over standard input and output, for a program that starts this one: it
    /// reaches the gateway that runs.
    Serve(serve::ServeArguments),
}

#[derive(Debug, Args)]
pub(crate) struct NameArguments {
    /// The server's name.
    name: String,
}

#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// The server's name; without it all that are enabled.
    name: Option<String>,
}

pub(crate) fn run(context: &Context, command: McpCommand) -> Result<(), Failure> {
    match command {
        McpCommand::Serve(arguments) => {
            return client(context, serve::run(context, arguments));
        }
        McpCommand::Test(arguments) => {
            return client(context, test::run(context, arguments.name.as_deref()));
        }
        McpCommand::Login(arguments) => {
            return client(context, sign_in::login(context, &arguments.name));
        }
        _ => {}
    }
    logging::start("warn", context.environment.var("OPENCLAW_LOG"), context.verbose);
    match command {
        McpCommand::List => list::list(context),
        McpCommand::Show(arguments) => list::show(context, &arguments.name),
        McpCommand::Add(arguments) => add::run(context, &arguments),
        McpCommand::Remove(arguments) => edit::remove(context, &arguments.name),
        McpCommand::Enable(arguments) => edit::enable(context, &arguments.name, true),
        McpCommand::Disable(arguments) => edit::enable(context, &arguments.name, false),
        McpCommand::Logout(arguments) => sign_in::logout(context, &arguments.name),
        McpCommand::Test(_) | McpCommand::Login(_) | McpCommand::Serve(_) => Ok(()),
    }
}

fn loaded(context: &Context) -> Result<Loaded, Failure> {
    let channels = Channels::all();
    Ok(load(&LoadRequest::new(&context.environment, &channels))?)
}

/// The settings of a server.
fn server<'a>(config: &'a Config, name: &str) -> Result<&'a McpServer, Failure> {
    config.mcp.get(name).ok_or_else(|| {
        OpenClawError::not_found(format!("there is no MCP server {name:?}"))
            .with_hint("`openclaw mcp list` shows those that are configured")
            .into()
    })
}
