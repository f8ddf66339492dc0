use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::AgentEvent;
use openclaw_sessions::{ReplyRequest, TurnDelivery, TurnInfo, TurnStream};
use openclaw_storage::NewOutbox;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dispatcher::Delivery;
use super::live::LiveEvent;
use super::preview::{show_preview, show_typing};

/// How long the end of a turn waits for an edit that is under way.
const FINISH_LIMIT: Duration = Duration::from_secs(2);

#[async_trait]
impl TurnDelivery for Delivery {
    async fn begin(&self, turn: TurnInfo) -> Arc<dyn TurnStream> {
        let stream = Arc::new(GatewayStream {
            live: self.deps.live.clone(),
            after_seq: Mutex::new(turn.after_seq),
            shared: Arc::new(Shared::default()),
            tasks: TaskTracker::new(),
            turn,
        });
        if stream.turn.reply_back {
            self.show_progress(&stream);
        }
        stream
    }

    fn plan(&self, reply: ReplyRequest) -> Vec<NewOutbox> {
        self.plan_reply(reply)
    }
}

impl Delivery {
    fn show_progress(&self, stream: &GatewayStream) {
        let channel_id = &stream.turn.conversation.channel_id;
        let Some(descriptor) = self.deps.channels.descriptor(channel_id) else { return };
        if descriptor.delivers_by_commit {
            // Clients of such a channel see the deltas themselves.
            return;
        }
        if descriptor.typing {
            stream.tasks.spawn(show_typing(
                self.deps.channels.clone(),
                stream.turn.conversation.clone(),
                stream.shared.clone(),
            ));
        }
        if descriptor.streams_by_edit {
            stream.tasks.spawn(show_preview(
                self.preview_deps(),
                descriptor,
                stream.turn.clone(),
                stream.shared.clone(),
            ));
        }
    }
}

/// What a turn's stream shares with the tasks that show its progress.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The answer as far as it is written.
    pub(super) text: Mutex<String>,
    /// Signalled when the text changed.
    pub(super) changed: Notify,
    /// The turn is over.
    pub(super) over: CancellationToken,
    /// A preview stands in the chat; typing need not be shown any more.
    pub(super) shown: CancellationToken,
}

impl Shared {
    pub(super) fn text(&self) -> String {
        self.text.lock().expect("no panic while the text is held").clone()
    }
}

/// Takes a running turn's events to clients and to the preview.
#[derive(Debug)]
struct GatewayStream {
    turn: TurnInfo,
    live: Arc<dyn super::LiveSink>,
    after_seq: Mutex<i64>,
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

#[async_trait]
impl TurnStream for GatewayStream {
    fn emit(&self, event: AgentEvent) {
        if let AgentEvent::Delta { text, reset, .. } = &event {
            let mut written = self.shared.text.lock().expect("no panic while the text is held");
            if *reset {
                written.clear();
            }
            written.push_str(text);
            drop(written);
            self.shared.changed.notify_one();
        }
        let after_seq = *self.after_seq.lock().expect("no panic while the number is held");
        self.live.live(LiveEvent {
            session_id: self.turn.session.id.clone(),
            session_key: self.turn.session.session_key.clone(),
            run_id: self.turn.run_id.clone(),
            after_seq,
            event,
        });
    }

    fn committed(&self, seq: i64) {
        let mut after_seq = self.after_seq.lock().expect("no panic while the number is held");
        *after_seq = seq.max(*after_seq);
    }

    async fn finish(&self) {
        self.shared.over.cancel();
        self.tasks.close();
        if tokio::time::timeout(FINISH_LIMIT, self.tasks.wait()).await.is_err() {
            tracing::debug!(run = %self.turn.run_id, "a preview edit is still under way; the answer follows it");
        }
    }
}
