use openclaw_channel_traits::{ChannelDescriptor, ChannelState as State, MarkupDialect};
use openclaw_protocol::methods::{ChannelCapabilities, ChannelHealth, ChannelState, ChannelStatus};

use crate::channels::ChannelStatus as Snapshot;

/// An account as clients see it.
pub(crate) fn describe(snapshot: Snapshot) -> ChannelStatus {
    ChannelStatus {
        kind: snapshot.channel_id.kind(),
        name: snapshot.capabilities.name.to_owned(),
        enabled: snapshot.enabled,
        state: state_of(snapshot.state),
        health: ChannelHealth {
            ok: snapshot.state == State::Connected,
            last_alive_at: snapshot.last_alive_at,
            restarts: snapshot.restarts,
            probe_ms: None,
            probe_error: None,
        },
        account: snapshot.account,
        capabilities: capabilities(&snapshot.capabilities),
        last_error: snapshot.last_error,
        last_error_at: snapshot.last_error_at,
        channel_id: snapshot.channel_id,
    }
}

/// The state in a word.
pub(crate) fn word(state: State) -> &'static str {
    match state {
        State::Stopped => "stopped",
        State::Connecting => "connecting",
        State::Connected => "connected",
        State::Backoff => "backoff",
        State::Failed => "failed",
    }
}

pub(in crate::rpc) fn state_of(state: State) -> ChannelState {
    match state {
        State::Stopped => ChannelState::Stopped,
        State::Connecting => ChannelState::Connecting,
        State::Connected => ChannelState::Connected,
        State::Backoff => ChannelState::Backoff,
        State::Failed => ChannelState::Failed,
    }
}

fn capabilities(descriptor: &ChannelDescriptor) -> ChannelCapabilities {
    ChannelCapabilities {
        markup: match descriptor.markup {
            MarkupDialect::Markdown => "markdown",
            MarkupDialect::TelegramHtml => "telegram_html",
            MarkupDialect::Plain => "plain",
        }
        .to_owned(),
        text_limit: descriptor.text_limit as u64,
        media_limit_bytes: descriptor.media_limit_bytes,
        edits: descriptor.edits,
        streaming: descriptor.streams_by_edit,
        deletes: descriptor.deletes,
        reactions: descriptor.reactions,
        threads: descriptor.threads,
        polls: descriptor.polls,
        typing: descriptor.typing,
        buttons: descriptor.buttons,
        groups: descriptor.groups,
    }
}
