use std::sync::Arc;
use std::time::Duration;

use openclaw_channel_traits::chunk::{TextLimit, chunk};
use openclaw_channel_traits::{ChannelDescriptor, DeliveryError};
use openclaw_core::{
    Clock, Conversation, EditMessage, ExternalId, Outbound, OutboxId, SendMessage, Typing,
};
use openclaw_sessions::TurnInfo;
use openclaw_storage::rows::{OutboxKind, OutboxState};
use openclaw_storage::{Batch, NewOutbox, Storage, Write};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::dispatcher::Delivery;
use super::stream::Shared;
use crate::channels::ChannelRegistry;

/// A quick answer is one send: no preview before this.
const PREVIEW_AFTER: Duration = Duration::from_millis(400);
/// A short answer is one send: no preview below this many characters.
const PREVIEW_CHARS: usize = 30;
/// Services forget "typing" after 5 s and more.
const TYPING_EVERY: Duration = Duration::from_secs(4);
const TYPING_LIMIT: Duration = Duration::from_secs(5);

/// What a preview needs of delivery.
pub(super) struct PreviewDeps {
    storage: Arc<dyn Storage>,
    channels: Arc<ChannelRegistry>,
    clock: Arc<dyn Clock>,
    progress: watch::Receiver<u64>,
    id: Option<OutboxId>,
}

impl Delivery {
    pub(super) fn preview_deps(&self) -> PreviewDeps {
        PreviewDeps {
            storage: self.deps.storage.clone(),
            channels: self.deps.channels.clone(),
            clock: self.deps.clock.clone(),
            progress: self.progress.subscribe(),
            id: self.new_outbox_id(),
        }
    }
}

/// Shows that an answer is being written, until a preview stands there or the turn is over.
pub(super) async fn show_typing(
    channels: Arc<ChannelRegistry>,
    conversation: Conversation,
    shared: Arc<Shared>,
) {
    let typing = Outbound::Typing(Typing { chat: conversation.address() });
    loop {
        if let Some(channel) = channels.channel(&conversation.channel_id) {
            let shown = async {
                match timeout(TYPING_LIMIT, channel.deliver(typing.clone())).await {
                    Ok(Ok(_)) | Err(_) => {}
                    Ok(Err(error)) => {
                        tracing::debug!(channel = %conversation.channel_id, %error, "typing is not shown")
                    }
                }
            };
            // Nothing is lost when it is dropped half way.
            tokio::select! {
                biased;
                () = shared.over.cancelled() => return,
                () = shown => {}
            }
        }
        tokio::select! {
            biased;
            () = shared.over.cancelled() => return,
            () = shared.shown.cancelled() => return,
            () = sleep(TYPING_EVERY) => {}
        }
    }
}

/// Shows the answer while it is written: one stored message, then edits of it.
pub(super) async fn show_preview(
    deps: PreviewDeps,
    descriptor: ChannelDescriptor,
    turn: TurnInfo,
    shared: Arc<Shared>,
) {
    let over = shared.over.clone();
    let place = tokio::select! {
        biased;
        () = over.cancelled() => return,
        place = place_preview(deps, &descriptor, &turn, &shared) => place,
    };
    let Some((deps, target, shown)) = place else { return };
    shared.shown.cancel();
    keep_editing(&deps, &descriptor, &turn, &shared, target, shown).await;
}

/// Waits until a preview is worth it, then stores it and waits for its receipt.
async fn place_preview(
    mut deps: PreviewDeps,
    descriptor: &ChannelDescriptor,
    turn: &TurnInfo,
    shared: &Shared,
) -> Option<(PreviewDeps, ExternalId, String)> {
    let earliest = Instant::now() + PREVIEW_AFTER;
    while shared.text().chars().count() < PREVIEW_CHARS {
        shared.changed.notified().await;
    }
    sleep_until(earliest).await;
    if let Some(target) = placed_before(&deps, turn).await {
        return Some((deps, target, String::new()));
    }
    let text = first_chunk(&shared.text(), descriptor);
    let id = deps.id.clone()?;
    let row = NewOutbox {
        id: id.clone(),
        channel_id: turn.conversation.channel_id.clone(),
        session_id: Some(turn.session.id.clone()),
        session_key: Some(turn.session.session_key.clone()),
        run_id: Some(turn.run_id.clone()),
        message_id: None,
        kind: OutboxKind::Preview,
        chunk: 0,
        outbound: Outbound::Send(SendMessage {
            chat: turn.conversation.address(),
            text: text.clone(),
            media: Vec::new(),
            buttons: Vec::new(),
            reply_to: matches!(
                turn.conversation.kind,
                openclaw_core::ChatKind::Group | openclaw_core::ChatKind::Channel
            )
            .then(|| turn.reply_to.clone()),
            key: id.clone(),
        }),
        state: OutboxState::Pending,
        principal: None,
        idempotency_key: None,
        at: deps.clock.now(),
    };
    // A turn that another gateway took over must not show half of an answer below the whole one.
    let batch = Batch::new().fenced(turn.fence.clone()).with(Write::Enqueue(Box::new(row)));
    if let Err(error) = deps.storage.apply(batch).await {
        tracing::debug!(run = %turn.run_id, %error, "no preview: it cannot be stored");
        return None;
    }
    loop {
        match deps.storage.outbox(&id).await {
            Ok(Some(row)) if row.state.is_final() => {
                let target = row.receipt?.external_id?;
                return Some((deps, target, text));
            }
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(error) => {
                tracing::debug!(run = %turn.run_id, %error, "no preview edits: its row cannot be read");
                return None;
            }
        }
        deps.progress.changed().await.ok()?;
    }
}

/// The preview that an interrupted try of this run left in the chat.
async fn placed_before(deps: &PreviewDeps, turn: &TurnInfo) -> Option<ExternalId> {
    if turn.attempt <= 1 {
        return None;
    }
    let rows = deps.storage.outbox_of_run(&turn.run_id).await.ok()?;
    rows.into_iter()
        .filter(|row| row.kind == OutboxKind::Preview && row.state == OutboxState::Sent)
        .find_map(|row| row.receipt?.external_id)
}

/// Edits the preview at the channel's pace until the turn is over.
async fn keep_editing(
    deps: &PreviewDeps,
    descriptor: &ChannelDescriptor,
    turn: &TurnInfo,
    shared: &Shared,
    target: ExternalId,
    mut shown: String,
) {
    let pace = Duration::from_millis(descriptor.edit_interval_ms);
    let mut next = Instant::now() + pace;
    loop {
        // Cancel-safe: both only wait.
        tokio::select! {
            biased;
            () = shared.over.cancelled() => return,
            () = async { shared.changed.notified().await; sleep_until(next).await } => {}
        }
        let text = first_chunk(&shared.text(), descriptor);
        if text == shown || text.trim().is_empty() {
            continue;
        }
        let Some(channel) = deps.channels.channel(&turn.conversation.channel_id) else { continue };
        let edit = Outbound::Edit(EditMessage {
            chat: turn.conversation.address(),
            target: target.clone(),
            text: text.clone(),
        });
        next = Instant::now() + pace;
        // Not raced against the turn's end: the answer must come after it.
        match channel.deliver(edit).await {
            Ok(_) => shown = text,
            Err(DeliveryError::RetryAfter(pause)) => next = Instant::now() + pause.max(pace),
            Err(DeliveryError::Unreachable(_) | DeliveryError::Unknown(_)) => {}
            Err(error) => {
                tracing::debug!(run = %turn.run_id, %error, "the preview is not edited any more");
                return;
            }
        }
    }
}

fn first_chunk(text: &str, descriptor: &ChannelDescriptor) -> String {
    chunk(text, TextLimit::of(descriptor, None)).into_iter().next().unwrap_or_default()
}
