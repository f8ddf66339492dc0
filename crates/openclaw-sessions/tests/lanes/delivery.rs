use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use openclaw_core::{AgentEvent, ChannelId, IdGen, Outbound, OutboxId, SendMessage};
use openclaw_sessions::{ReplyRequest, TurnDelivery, TurnInfo, TurnStream};
use openclaw_storage::NewOutbox;
use openclaw_storage::rows::{OutboxKind, OutboxState};
use openclaw_testkit::SeededIds;

/// A delivery that cuts nothing: one row per reply, born sent on the web channel.
#[derive(Debug)]
pub(crate) struct RecordingDelivery {
    ids: Arc<SeededIds>,
    begun: Mutex<Vec<TurnInfo>>,
    finished: Arc<AtomicUsize>,
}

impl RecordingDelivery {
    pub(crate) fn new(ids: Arc<SeededIds>) -> Self {
        Self { ids, begun: Mutex::default(), finished: Arc::default() }
    }

    pub(crate) fn begun(&self) -> Vec<TurnInfo> {
        self.begun.lock().expect("not poisoned").clone()
    }

    pub(crate) fn finished(&self) -> usize {
        self.finished.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl TurnDelivery for RecordingDelivery {
    async fn begin(&self, turn: TurnInfo) -> Arc<dyn TurnStream> {
        self.begun.lock().expect("not poisoned").push(turn);
        Arc::new(RecordingStream(Arc::clone(&self.finished)))
    }

    fn plan(&self, reply: ReplyRequest) -> Vec<NewOutbox> {
        let id = OutboxId::new(self.ids.new_id()).expect("valid");
        let is_web = reply.conversation.channel_id == ChannelId::web();
        vec![NewOutbox {
            id: id.clone(),
            channel_id: reply.conversation.channel_id.clone(),
            session_id: Some(reply.session.id),
            session_key: Some(reply.session_key),
            run_id: Some(reply.run_id),
            message_id: Some(reply.message_id),
            kind: if reply.notice { OutboxKind::Notice } else { OutboxKind::Reply },
            chunk: 0,
            outbound: Outbound::Send(SendMessage {
                chat: reply.conversation.address(),
                text: reply.text,
                media: Vec::new(),
                buttons: Vec::new(),
                reply_to: reply.reply_to,
                key: id,
            }),
            state: if is_web { OutboxState::Sent } else { OutboxState::Pending },
            principal: None,
            idempotency_key: None,
            at: reply.at,
        }]
    }
}

struct RecordingStream(Arc<AtomicUsize>);

#[async_trait]
impl TurnStream for RecordingStream {
    fn emit(&self, _: AgentEvent) {}

    fn committed(&self, _: i64) {}

    async fn finish(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
