use clap::{Args, Subcommand};
use openclaw_core::{ChannelId, ChatId, Direction, Message, SessionKey};
use openclaw_protocol::methods::{
    Before, ContentParam, MessageHistory, MessageHistoryParams, MessageSearch, MessageSearchParams,
    MessageSend, MessageSendParams,
};

use super::sessions::session_ref;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::{Shade, harmless, one_line};
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum MessageCommand {
    /// Show what was said in a session, oldest first.
    History(HistoryArguments),
    /// Find messages by their words, newest first.
    Search(SearchArguments),
    /// Send a message to a chat as the assistant.
    Send(SendArguments),
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// A session key such as `agent:main:main`, or a session id.
    #[arg(default_value = "agent:main:main")]
    session: String,
    /// At most this many, 1 to 1,000.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Only before this cursor.
    #[arg(long)]
    before: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArguments {
    /// Words that must all be in the text; one that ends in `*` stands for all that begin so.
    #[arg(required = true)]
    words: Vec<String>,
    /// Only in this session, its ended lives included.
    #[arg(long)]
    session: Option<SessionKey>,
    /// Only of this channel account.
    #[arg(long)]
    channel: Option<ChannelId>,
    /// At most this many, 1 to 1,000.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// The next page after one that ended with this cursor.
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    /// The channel account, such as `telegram`.
    #[arg(long)]
    channel: ChannelId,
    /// The service's id of the chat.
    #[arg(long, allow_hyphen_values = true)]
    chat: ChatId,
    /// The text, Markdown.
    #[arg(short, long)]
    message: String,
    /// The same key sends only once.
    #[arg(long)]
    idempotency_key: Option<String>,
}

pub(crate) async fn run(context: &Context, command: MessageCommand) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    match command {
        MessageCommand::History(arguments) => {
            let session = session_ref(&arguments.session)?;
            let params = MessageHistoryParams {
                session_id: session.session_id,
                session_key: session.session_key,
                limit: Some(arguments.limit),
                before: arguments.before.map(Before::Cursor),
            };
            let result = client.call::<MessageHistory>(&params).await?;
            context.output.result(&result, || {
                let mut text = String::new();
                if let Some(cursor) = &result.next_cursor {
                    text.push_str(&format!("older with --before {cursor}\n\n"));
                }
                result.messages.iter().for_each(|message| text.push_str(&show(context, message)));
                text
            })
        }
        MessageCommand::Search(arguments) => {
            let params = MessageSearchParams {
                query: arguments.words.join(" "),
                session_key: arguments.session,
                channel_id: arguments.channel,
                limit: Some(arguments.limit),
                cursor: arguments.cursor,
            };
            let result = client.call::<MessageSearch>(&params).await?;
            context.output.result(&result, || {
                let mut text = String::new();
                result.messages.iter().for_each(|message| text.push_str(&show(context, message)));
                match &result.next_cursor {
                    Some(cursor) => text.push_str(&format!("more with --cursor {cursor}\n")),
                    None if result.messages.is_empty() => text.push_str("nothing was found\n"),
                    None => {}
                }
                text
            })
        }
        MessageCommand::Send(arguments) => {
            let params = MessageSendParams {
                channel_id: arguments.channel,
                chat_id: arguments.chat,
                thread_id: None,
                content: ContentParam::Text(arguments.message),
                reply_to: None,
                idempotency_key: arguments.idempotency_key,
            };
            let result = client.call::<MessageSend>(&params).await?;
            context.output.result(&result, || format!("message {} is queued", result.message_id))
        }
    }
}

fn show(context: &Context, message: &Message) -> String {
    let who = match message.direction {
        Direction::Inbound => message
            .sender
            .as_ref()
            .map(|sender| sender.display_name.clone().unwrap_or_else(|| sender.id.to_string()))
            .unwrap_or_default(),
        Direction::Outbound => "assistant".to_owned(),
    };
    let head = context.output.paint(Shade::Bold, one_line(&who, 40));
    let when = context.output.paint(Shade::Dim, message.created_at);
    let mut text = format!("{head}  {when}\n");
    let body = harmless(message.content.plain_text());
    body.lines().for_each(|line| text.push_str(&format!("  {line}\n")));
    for media in message.content.media() {
        let name = media
            .file_name
            .as_deref()
            .map_or_else(|| media.mime_type.clone(), |name| one_line(name, 60));
        text.push_str(&format!("  [{name}, {} bytes]\n", media.size_bytes));
    }
    text.push('\n');
    text
}
