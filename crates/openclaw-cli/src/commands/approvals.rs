use clap::{Args, Subcommand};
use openclaw_protocol::methods::{
    AllowedCommand, Approval, ApprovalAllowed, ApprovalDecision, ApprovalForget,
    ApprovalForgetParams, ApprovalList, ApprovalResolve, ApprovalResolveParams, NoParams,
    PlannedCommand,
};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{harmless, one_line, table};
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// List the commands that wait for your word.
    List,
    /// Let a command run: exactly the one that is shown.
    #[command(alias = "allow")]
    Approve(ApproveArguments),
    /// Deny a command.
    Deny(DenyArguments),
    /// List the commands that are allowed always.
    #[command(alias = "allowlist")]
    Allowed,
    /// Take back that a command is allowed always.
    Forget(ForgetArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArguments {
    /// The id that `approvals list` shows.
    id: String,
    /// Allow the same command, word for word, from now on.
    #[arg(long)]
    always: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DenyArguments {
    /// The id that `approvals list` shows.
    id: String,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArguments {
    /// The key that `approvals allowed` shows, or its beginning.
    key: String,
}

pub(crate) async fn run(context: &Context, command: ApprovalsCommand) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    match command {
        ApprovalsCommand::List => {
            let result = client.call::<ApprovalList>(&NoParams {}).await?;
            context.output.result(&result, || waiting(&result.approvals))
        }
        ApprovalsCommand::Approve(arguments) => {
            let decision = if arguments.always {
                ApprovalDecision::AllowAlways
            } else {
                ApprovalDecision::AllowOnce
            };
            let params = ApprovalResolveParams { id: arguments.id, decision };
            let approval = client.call::<ApprovalResolve>(&params).await?;
            context.output.result(&approval, || {
                let word = if arguments.always { "allowed always" } else { "allowed once" };
                format!("{word}: {}", harmless(&approval.command.command))
            })
        }
        ApprovalsCommand::Deny(arguments) => {
            let params =
                ApprovalResolveParams { id: arguments.id, decision: ApprovalDecision::Deny };
            let approval = client.call::<ApprovalResolve>(&params).await?;
            context
                .output
                .result(&approval, || format!("denied: {}", harmless(&approval.command.command)))
        }
        ApprovalsCommand::Allowed => {
            let result = client.call::<ApprovalAllowed>(&NoParams {}).await?;
            context.output.result(&result, || allowed(&result.allowed))
        }
        ApprovalsCommand::Forget(arguments) => {
            let params = ApprovalForgetParams { key: arguments.key };
            let taken = client.call::<ApprovalForget>(&params).await?;
            context.output.result(&taken, || {
                format!("not allowed any more: {}", harmless(&taken.command.command))
            })
        }
    }
}

/// Every detail of what would run, as that is what is approved.
fn waiting(approvals: &[Approval]) -> String {
    if approvals.is_empty() {
        return "no command waits\n".to_owned();
    }
    let mut lines = Vec::new();
    for approval in approvals {
        lines.push(format!("{}  {}", approval.id, harmless(&approval.command.command)));
        lines.push(format!("    asks because {}", harmless(&approval.reason)));
        lines.push(format!("    session {}, until {}", approval.session_key, approval.expires_at));
        lines.extend(details(&approval.command));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn details(command: &PlannedCommand) -> Vec<String> {
    let place = if command.sandboxed { "in the sandbox" } else { "on this machine" };
    let mut lines = vec![
        format!("    runs {place} in {}", harmless(&command.cwd)),
        format!("    program and arguments: {}", harmless(&format!("{:?}", command.argv))),
    ];
    let mut list = |name: &str, items: &[String]| {
        if !items.is_empty() {
            lines.push(format!("    {name}: {}", harmless(&items.join(", "))));
        }
    };
    list("variables", &command.env);
    list("may reach", &command.hosts);
    list("may see", &command.paths);
    let files: Vec<String> = command
        .files
        .iter()
        .map(|file| format!("{} ({})", file.path, file.sha256.get(..12).unwrap_or_default()))
        .collect();
    list("files", &files);
    lines
}

fn allowed(all: &[AllowedCommand]) -> String {
    if all.is_empty() {
        return "no command is allowed always\n".to_owned();
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| {
            let place = if one.command.sandboxed { "sandbox" } else { "this machine" };
            vec![
                one.key.get(..12).unwrap_or(&one.key).to_owned(),
                one.agent_id.to_string(),
                place.to_owned(),
                one_line(&one.by, 20),
                one_line(&one.command.command, 60),
            ]
        })
        .collect();
    table(&["KEY", "AGENT", "WHERE", "BY", "COMMAND"], &rows)
}
