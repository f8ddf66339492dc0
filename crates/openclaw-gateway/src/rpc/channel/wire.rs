use openclaw_channel_traits::{ChannelDescriptor, ChannelState as State, MarkupDialect};
use openclaw_protocol::methods::{
    ChannelCapabilities, ChannelHealth, ChannelState, ChannelStatus as WireStatus,
};

use crate::channels::ChannelStatus;

/// An account as the wire shows it.
pub(crate) fn status(status: ChannelStatus) -> WireStatus {
    WireStatus {
        kind: status.channel_id.kind(),
        channel_id: status.channel_id,
        name: status.capabilities.name.to_owned(),
        enabled: status.enabled,
        state: state(status.state),
        health: ChannelHealth {
            ok: status.state == State::Connected,
            last_alive_at: status.last_alive_at,
            restarts: status.restarts,
            probe_ms: None,
            probe_error: None,
        },
        account: status.account,
        capabilities: capabilities(&status.capabilities),
        last_error: status.last_error,
        last_error_at: status.last_error_at,
    }
}

pub(in crate::rpc) fn state(state: State) -> ChannelState {
    match state {
        State::Stopped => ChannelState::Stopped,
        State::Connecting => ChannelState::Connecting,
        State::Connected => ChannelState::Connected,
        State::Backoff => ChannelState::Backoff,
        State::Failed => ChannelState::Failed,
    }
}

fn capabilities(descriptor: &ChannelDescriptor) -> ChannelCapabilities {
    let markup = match descriptor.markup {
        MarkupDialect::Markdown => "markdown",
        MarkupDialect::TelegramHtml => "telegram_html",
        MarkupDialect::Plain => "plain",
    };
    ChannelCapabilities {
        markup: markup.to_owned(),
        text_limit: descriptor.text_limit as u64,
        media_limit_bytes: descriptor.media_limit_bytes,
        edits: descriptor.edits,
        // Clients of a channel whose commit is the delivery see the deltas themselves.
        streaming: descriptor.streams_by_edit || descriptor.delivers_by_commit,
        deletes: descriptor.deletes,
        reactions: descriptor.reactions,
        threads: descriptor.threads,
        polls: descriptor.polls,
        typing: descriptor.typing,
        buttons: descriptor.buttons,
        groups: descriptor.groups,
    }
}
