//! `openclaw models`: asks the gateway; where none runs, works on this machine's configuration.

mod aliases;
mod edit;
mod fallbacks;
mod list;
mod probe;
mod status;

use clap::{Args, Subcommand};
use openclaw_client::{Client, ClientError, Connect as _};
use openclaw_config::{LoadRequest, Loaded, load};

use crate::compose::Channels;
use crate::context::Context;
use crate::exit::Failure;
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List models and what is known of them.
    List(list::ListArguments),
    /// Show the model in use, its fallbacks, providers, keys, and what cools down.
    Status(status::StatusArguments),
    /// Set the model of all agents that have none of their own.
    Set(SetArguments),
    /// List, add and remove short names of models.
    #[command(subcommand)]
    Aliases(aliases::AliasesCommand),
    /// List, add and remove the models to try when the first fails.
    #[command(subcommand)]
    Fallbacks(fallbacks::FallbacksCommand),
    /// Ask each model for a word, with each key; it costs a few tokens.
    Probe(probe::ProbeArguments),
}

#[derive(Debug, Args)]
pub(crate) struct SetArguments {
    /// provider/model, or an alias.
    model: String,
}

pub(crate) async fn run(context: &Context, command: ModelsCommand) -> Result<(), Failure> {
    let place = Place::find(context).await?;
    match command {
        ModelsCommand::List(arguments) => list::run(context, &place, arguments).await,
        ModelsCommand::Status(arguments) => status::run(context, &place, arguments).await,
        ModelsCommand::Set(SetArguments { model }) => {
            let change = edit::Change::set("agents.model", model.as_str().into());
            edit::apply(context, place, vec![change], || format!("the model is {model} now")).await
        }
        ModelsCommand::Aliases(command) => aliases::run(context, place, command).await,
        ModelsCommand::Fallbacks(command) => fallbacks::run(context, place, command).await,
        ModelsCommand::Probe(arguments) => probe::run(context, &place, arguments).await,
    }
}

/// Where the configuration is.
enum Place {
    /// At a running gateway.
    Gateway(Client),
    /// In this machine's file; no gateway runs.
    Here(Box<Loaded>),
}

impl Place {
    async fn find(context: &Context) -> Result<Self, Failure> {
        let reach = Reach::find(context)?;
        match reach.connect().await {
            Ok((client, _events)) => Ok(Self::Gateway(client)),
            // What was meant for another machine's gateway is not done to this one's.
            Err(ClientError::Unreachable { .. }) if reach.is_here() => {
                let channels = Channels::all();
                let request = LoadRequest::new(&context.environment, &channels);
                Ok(Self::Here(Box::new(load(&request)?)))
            }
            Err(error) => Err(error.into()),
        }
    }
}
