use clap::{Args, Subcommand};
use openclaw_core::{ChannelId, Session, SessionId, SessionKey};
use openclaw_protocol::methods::{
    SessionDelete, SessionGet, SessionList, SessionListParams, SessionRef, SessionReset,
};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{one_line, table};
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// List sessions, latest activity first.
    List(ListArguments),
    /// Show one session.
    Show(SessionArguments),
    /// Begin a session anew under the same key; what was said stays stored.
    Reset(SessionArguments),
    /// Delete a session with everything that was said in it.
    Delete(SessionArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// At most this many, 1 to 1,000.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Where the last page ended.
    #[arg(long)]
    cursor: Option<String>,
    /// Only those whose key, name, user or chat holds this.
    #[arg(long)]
    search: Option<String>,
    /// Only this channel.
    #[arg(long)]
    channel: Option<ChannelId>,
    /// Only those with a message in the last so many minutes.
    #[arg(long, value_name = "MINUTES")]
    active: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct SessionArguments {
    /// A session key such as `agent:main:main`, or a session id.
    session: String,
}

/// A session named on the command line: by key where it has the form of one, else by id.
pub(crate) fn session_ref(text: &str) -> Result<SessionRef, Failure> {
    if text.starts_with("agent:") {
        let key: SessionKey = text.parse().map_err(|error| Failure::usage(format!("{error}")))?;
        return Ok(SessionRef { session_id: None, session_key: Some(key) });
    }
    let id = SessionId::new(text).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(SessionRef { session_id: Some(id), session_key: None })
}

pub(crate) async fn run(context: &Context, command: SessionsCommand) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    match command {
        SessionsCommand::List(arguments) => {
            let params = SessionListParams {
                limit: Some(arguments.limit),
                cursor: arguments.cursor,
                search: arguments.search,
                channel_id: arguments.channel,
                active_minutes: arguments.active,
            };
            let result = client.call::<SessionList>(&params).await?;
            context.output.result(&result, || {
                let mut text = list(&result.sessions);
                if let Some(cursor) = &result.next_cursor {
                    text.push_str(&format!("more with --cursor {cursor}\n"));
                }
                text
            })
        }
        SessionsCommand::Show(arguments) => {
            let session = client.call::<SessionGet>(&session_ref(&arguments.session)?).await?;
            context.output.result(&session, || describe(&session))
        }
        SessionsCommand::Reset(arguments) => {
            let session = client.call::<SessionReset>(&session_ref(&arguments.session)?).await?;
            context.output.result(&session, || {
                format!("{} begins anew as {}", session.session_key, session.id)
            })
        }
        SessionsCommand::Delete(arguments) => {
            let result = client.call::<SessionDelete>(&session_ref(&arguments.session)?).await?;
            context.output.result(&result, || format!("{} is deleted", arguments.session))
        }
    }
}

fn list(sessions: &[Session]) -> String {
    if sessions.is_empty() {
        return "no sessions yet; begin one with `openclaw agent run -m \"hello\"`\n".to_owned();
    }
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .map(|session| {
            vec![
                session.session_key.to_string(),
                session.channel_id.to_string(),
                session.context.runs.to_string(),
                session.last_activity_at.to_string(),
                session.label.as_deref().map(|label| one_line(label, 40)).unwrap_or_default(),
            ]
        })
        .collect();
    table(&["SESSION", "CHANNEL", "TURNS", "LAST ACTIVITY", "NAME"], &rows)
}

fn describe(session: &Session) -> String {
    let usage = session.context.usage;
    let mut lines = vec![
        session.session_key.to_string(),
        format!("  id             {}", session.id),
        format!("  agent          {}", session.agent_id),
        format!("  channel        {}", session.channel_id),
        format!("  chat           {}", session.chat_id),
        format!("  user           {}", session.user_id),
        format!("  turns          {}", session.context.runs),
        format!("  tokens         {} in, {} out", usage.input_tokens, usage.output_tokens),
        format!("  created        {}", session.created_at),
        format!("  last activity  {}", session.last_activity_at),
    ];
    if let Some(label) = &session.label {
        lines.push(format!("  name           {}", one_line(label, 80)));
    }
    if let Some(ended) = session.ended_at {
        lines.push(format!("  ended          {ended}"));
    }
    lines.join("\n")
}
