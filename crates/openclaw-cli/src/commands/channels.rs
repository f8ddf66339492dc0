use clap::{Args, Subcommand};
use openclaw_core::ChannelId;
use openclaw_protocol::methods::{
    ChannelConnect, ChannelDisconnect, ChannelList, ChannelParams, ChannelState, ChannelStatus,
    ChannelStatusGet, ChannelStatusParams, NoParams,
};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{Shade, one_line, table};
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum ChannelsCommand {
    /// List the configured channel accounts.
    List,
    /// Tell how a channel account is.
    Status(StatusArguments),
    /// Start a channel account that was disconnected.
    Connect(ChannelArguments),
    /// Stop a channel account until it is connected again.
    Disconnect(ChannelArguments),
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// Such as `telegram` or `telegram/work`.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    channel: Option<ChannelId>,
    /// All of them.
    #[arg(long)]
    all: bool,
    /// Make a round trip with the service first.
    #[arg(long)]
    probe: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ChannelArguments {
    /// Such as `telegram` or `telegram/work`.
    channel: ChannelId,
}

pub(crate) async fn run(context: &Context, command: ChannelsCommand) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    match command {
        ChannelsCommand::List => {
            let result = client.call::<ChannelList>(&NoParams {}).await?;
            context.output.result(&result, || list(context, &result.channels))
        }
        ChannelsCommand::Status(arguments) => {
            let params =
                ChannelStatusParams { channel_id: arguments.channel, probe: arguments.probe };
            let result = client.call::<ChannelStatusGet>(&params).await?;
            context.output.result(&result, || {
                result
                    .channels
                    .iter()
                    .map(|channel| describe(context, channel))
                    .collect::<Vec<_>>()
                    .join("\n")
            })
        }
        ChannelsCommand::Connect(arguments) => {
            let result = client
                .call::<ChannelConnect>(&ChannelParams { channel_id: arguments.channel })
                .await?;
            context.output.result(&result, || describe(context, &result))
        }
        ChannelsCommand::Disconnect(arguments) => {
            let result = client
                .call::<ChannelDisconnect>(&ChannelParams { channel_id: arguments.channel })
                .await?;
            context.output.result(&result, || describe(context, &result))
        }
    }
}

fn list(context: &Context, channels: &[ChannelStatus]) -> String {
    let rows: Vec<Vec<String>> = channels
        .iter()
        .map(|channel| {
            vec![
                channel.channel_id.to_string(),
                state(context, channel.state),
                channel.account.clone().unwrap_or_default(),
                channel.last_error.as_deref().map(|error| one_line(error, 80)).unwrap_or_default(),
            ]
        })
        .collect();
    table(&["CHANNEL", "STATE", "ACCOUNT", "LAST ERROR"], &rows)
}

fn describe(context: &Context, channel: &ChannelStatus) -> String {
    let mut lines = vec![format!(
        "{} ({}): {}",
        channel.channel_id,
        channel.name,
        state(context, channel.state)
    )];
    if let Some(account) = &channel.account {
        lines.push(format!("  account      {}", one_line(account, 80)));
    }
    if let Some(alive) = channel.health.last_alive_at {
        lines.push(format!("  last alive   {alive}"));
    }
    if let Some(took) = channel.health.probe_ms {
        lines.push(format!("  round trip   {took} ms"));
    }
    if let Some(error) = &channel.health.probe_error {
        lines.push(format!("  probe failed {}", one_line(error, 200)));
    }
    if let Some(error) = &channel.last_error {
        let when = channel.last_error_at.map(|at| format!(" at {at}")).unwrap_or_default();
        lines.push(format!("  last error   {}{when}", one_line(error, 200)));
    }
    if channel.health.restarts > 0 {
        lines.push(format!("  restarts     {}", channel.health.restarts));
    }
    lines.join("\n")
}

/// A channel's state in words, in the colour of how good it is.
pub(super) fn state(context: &Context, state: ChannelState) -> String {
    let (shade, word) = match state {
        ChannelState::Stopped => (Shade::Dim, "stopped"),
        ChannelState::Connecting => (Shade::Yellow, "connecting"),
        ChannelState::Connected => (Shade::Green, "connected"),
        ChannelState::Backoff => (Shade::Yellow, "waiting to connect again"),
        ChannelState::Failed => (Shade::Red, "failed"),
    };
    context.output.paint(shade, word)
}
