use openclaw_core::{Button, ChannelId, Outbound, OutboxId, SendMessage};
use openclaw_storage::rows::{InboxRow, OutboxKind, OutboxState};
use openclaw_storage::{NewOutbox, Write};
use openclaw_tools::approvals::ApprovalRequest;

/// The most characters of a command, and the most of its files, that are shown in a chat.
const MOST_SHOWN: usize = 1_500;
const MOST_FILES: usize = 8;

/// The answers, as they are said and as they stand on buttons.
const ANSWERS: [(&str, &str); 3] =
    [("allow-once", "Allow once"), ("allow-always", "Allow always"), ("deny", "Deny")];

/// The question in the chat that the run came from; `None` where clients are told by the event alone,
/// or where nothing is said back.
pub(super) fn question(id: OutboxId, request: &ApprovalRequest, asked: &InboxRow) -> Option<Write> {
    let conversation = &asked.inbound.conversation;
    if conversation.channel_id == ChannelId::web() || !asked.reply_back {
        return None;
    }
    let buttons = ANSWERS.map(|(word, label)| Button {
        label: label.to_owned(),
        says: format!("/approve {} {word}", request.id),
    });
    Some(Write::Enqueue(Box::new(NewOutbox {
        id: id.clone(),
        channel_id: conversation.channel_id.clone(),
        session_id: Some(asked.session_id.clone()),
        session_key: Some(asked.session_key.clone()),
        run_id: None,
        message_id: None,
        kind: OutboxKind::Notice,
        chunk: 0,
        outbound: Outbound::Send(SendMessage {
            chat: conversation.address(),
            text: text(request),
            media: Vec::new(),
            buttons: buttons.into(),
            reply_to: None,
            key: id,
        }),
        state: OutboxState::Pending,
        principal: None,
        idempotency_key: None,
        at: request.created_at,
    })))
}

fn text(request: &ApprovalRequest) -> String {
    let plan = &request.plan;
    let whole = harmless(&plan.shown());
    let command: String = whole.chars().take(MOST_SHOWN).collect();
    let fence = fence_for(&command);
    let cut = if command.len() < whole.len() {
        "That is only its beginning; `openclaw approvals list` shows all of it.\n"
    } else {
        ""
    };
    let place = if plan.sandboxed { "in the sandbox" } else { "on this machine" };
    let files: Vec<String> = plan
        .files
        .iter()
        .take(MOST_FILES)
        .map(|file| {
            let digest = file.sha256.get(..12).unwrap_or_default();
            format!("{} ({digest})", harmless(&file.path))
        })
        .collect();
    let files = if files.is_empty() {
        String::new()
    } else {
        let more = if plan.files.len() > MOST_FILES { ", …" } else { "" };
        format!("Files: {}{more}\n", files.join(", "))
    };
    let words = ANSWERS.map(|(word, _)| format!("`/approve {} {word}`", request.id)).join(", ");
    format!(
        "May this command run {place}, in {}?\n\n{fence}\n{command}\n{fence}\n\n{cut}It asks because {}.\n{files}\
         The owner answers within 120 s: {words}",
        harmless(&plan.cwd),
        harmless(&request.reason),
    )
}

/// A fence that nothing in the text ends.
fn fence_for(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// Without characters that make a command look like another one.
fn harmless(text: &str) -> String {
    let is_hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .map(|c| if is_hidden(c) { c.escape_unicode().to_string() } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{fence_for, harmless};

    #[test]
    fn a_command_cannot_leave_its_fence_or_look_like_another() {
        assert_eq!(fence_for("ls"), "```");
        assert_eq!(fence_for("a ```` b"), "`````");
        assert_eq!(harmless("ls\n-la"), "ls\n-la");
        assert_eq!(harmless("ls \u{202e}x\u{1b}[2K"), "ls \\u{202e}x\\u{1b}[2K");
    }
}
