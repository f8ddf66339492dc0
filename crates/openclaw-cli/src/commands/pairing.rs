use clap::{Args, Subcommand};
use openclaw_core::ChannelId;
use openclaw_protocol::methods::{
    Pairing, PairingApprove, PairingApproveParams, PairingList, PairingListParams,
};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{one_line, table};
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum PairingCommand {
    /// List people who asked to talk to the assistant, and those who may.
    List(ListArguments),
    /// Let a person talk to the assistant.
    Approve(ApproveArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only this channel.
    #[arg(long)]
    channel: Option<ChannelId>,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArguments {
    /// The code the person was given.
    code: String,
    /// As an owner: direct chats go to the main session.
    #[arg(long)]
    owner: bool,
}

pub(crate) async fn run(context: &Context, command: PairingCommand) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    match command {
        PairingCommand::List(arguments) => {
            let result = client
                .call::<PairingList>(&PairingListParams { channel_id: arguments.channel })
                .await?;
            context.output.result(&result, || list(&result.pairings))
        }
        PairingCommand::Approve(arguments) => {
            let params = PairingApproveParams {
                code: Some(arguments.code),
                owner: arguments.owner,
                ..PairingApproveParams::default()
            };
            let person = client.call::<PairingApprove>(&params).await?;
            context.output.result(&person, || {
                let role = if person.is_owner { "an owner" } else { "approved" };
                format!("{} on {} is {role}", name(&person), person.channel_id)
            })
        }
    }
}

fn list(people: &[Pairing]) -> String {
    if people.is_empty() {
        return "nobody has asked yet\n".to_owned();
    }
    let rows: Vec<Vec<String>> = people
        .iter()
        .map(|person| {
            let standing = match (person.approved_at, person.is_owner, &person.code) {
                (Some(_), true, _) => "owner".to_owned(),
                (Some(_), false, _) => "approved".to_owned(),
                (None, _, Some(code)) => format!("asks, code {code}"),
                (None, _, None) => "asked, code expired".to_owned(),
            };
            vec![person.channel_id.to_string(), person.user_id.to_string(), name(person), standing]
        })
        .collect();
    table(&["CHANNEL", "USER", "NAME", "STANDING"], &rows)
}

fn name(person: &Pairing) -> String {
    person
        .display_name
        .as_deref()
        .map_or_else(|| person.user_id.to_string(), |name| one_line(name, 40))
}
