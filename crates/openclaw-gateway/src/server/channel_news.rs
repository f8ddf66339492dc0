use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use openclaw_core::ChannelId;
use openclaw_protocol::event::topic;

use super::serve::Shared;
use crate::rpc::describe_channel;

/// Tells clients of every change of a channel's state.
pub(super) async fn tell(shared: Arc<Shared>) {
    let channels = &shared.state.channels;
    let mut accounts = channels.watch_changes();
    let mut is_first = true;
    loop {
        // One wait per account, renewed for all when accounts come, go or restart.
        accounts.mark_unchanged();
        let mut states = FuturesUnordered::new();
        for status in channels.list() {
            states.extend(next_state(&shared, status.channel_id.clone()));
            if !is_first {
                tell_one(&shared, &status.channel_id);
            }
        }
        loop {
            tokio::select! {
                biased;
                () = shared.closing.cancelled() => return,
                changed = accounts.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    break;
                }
                Some(channel) = states.next() => {
                    // Waiting for the next change before telling this one, so that none is missed.
                    states.extend(next_state(&shared, channel.clone()));
                    tell_one(&shared, &channel);
                }
            }
        }
        is_first = false;
    }
}

/// Waits for the next change of an account's state, or for the end of its supervision, which another
/// follows when it is connected again.
fn next_state(
    shared: &Shared,
    channel: ChannelId,
) -> Option<impl Future<Output = ChannelId> + use<>> {
    let mut state = shared.state.channels.watch_state(&channel)?;
    state.mark_unchanged();
    Some(async move {
        if state.changed().await.is_err() {
            tracing::trace!(%channel, "a supervision ended");
        }
        channel
    })
}

fn tell_one(shared: &Shared, channel: &ChannelId) {
    if let Some(status) = shared.state.channels.status(channel) {
        shared.state.hub.notice(topic::CHANNEL_STATUS, None, &describe_channel(status));
    }
}
