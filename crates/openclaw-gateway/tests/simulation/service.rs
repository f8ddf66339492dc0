use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openclaw_channel_traits::{Accept, ChannelContext, ChannelError, Reconcile};
use openclaw_core::{
    ChannelId, ChatId, ChatKind, Conversation, ExternalId, Inbound, InboundKind, MessageContent,
    OutboxId, Rng as _, Sender, Timestamp, UserId,
};
use openclaw_testkit::SeededRng;
use tokio::time::sleep;

use crate::world::{Trace, WorldClock};
use openclaw_core::Clock as _;

pub(crate) const CHATS: usize = 4;
/// The first chats are groups, the others direct.
const GROUPS: usize = 2;
pub(crate) const INPUTS: usize = 12;

/// A chat service that outlives the gateway: what people wrote and was not acknowledged, and what
/// arrived from the assistant.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) rng: SeededRng,
    pub(crate) reconcile: Reconcile,
    pub(crate) clock: Arc<WorldClock>,
    pub(crate) trace: Arc<Trace>,
    pub(crate) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    has_faults: bool,
    chats: Vec<Chat>,
    /// What the gateway said it has and had not before.
    accepted: BTreeSet<String>,
    pub(crate) arrived: Vec<Arrived>,
}

#[derive(Debug, Default)]
struct Chat {
    /// Everything that is said, with its time.
    said: Vec<(Timestamp, String)>,
    acknowledged: usize,
}

/// A message from the assistant.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) chat: ChatId,
    pub(crate) key: OutboxId,
    pub(crate) external_id: ExternalId,
    pub(crate) sent_at: Timestamp,
    /// As it reads after the last edit.
    pub(crate) text: String,
}

pub(crate) fn channel_id() -> ChannelId {
    ChannelId::new("fake").expect("valid")
}

pub(crate) fn chat_id(chat: usize) -> ChatId {
    ChatId::new(format!("c{chat}")).expect("valid")
}

impl Service {
    pub(crate) fn new(
        seed: u64,
        reconcile: Reconcile,
        clock: Arc<WorldClock>,
        trace: Arc<Trace>,
    ) -> Self {
        let rng = SeededRng::new(seed);
        let mut chats: Vec<Chat> = (0..CHATS).map(|_| Chat::default()).collect();
        let mut at = clock.now();
        for number in 0..INPUTS {
            at = at.plus(Duration::from_millis(rng.below(4_000)));
            let chat = rng.below(CHATS as u64) as usize;
            chats[chat].said.push((at, name(number)));
        }
        let state = Mutex::new(State { has_faults: true, chats, ..State::default() });
        Self { rng, reconcile, clock, trace, state }
    }

    pub(crate) fn end_faults(&self) {
        self.state.lock().expect("not poisoned").has_faults = false;
    }

    /// Lets nobody say anything.
    pub(crate) fn forget(&self) {
        let mut state = self.state.lock().expect("not poisoned");
        state.chats.iter_mut().for_each(|chat| chat.said.clear());
    }

    pub(crate) fn has_faults(&self) -> bool {
        self.state.lock().expect("not poisoned").has_faults
    }

    fn chance(&self, one_in: u64) -> bool {
        self.has_faults() && self.rng.below(one_in) == 0
    }

    pub(crate) fn is_quiet(&self) -> bool {
        let state = self.state.lock().expect("not poisoned");
        state.chats.iter().all(|chat| chat.acknowledged == chat.said.len())
    }

    /// What was said in a chat, in order.
    pub(crate) fn said(&self, chat: usize) -> Vec<String> {
        let state = self.state.lock().expect("not poisoned");
        state.chats[chat].said.iter().map(|(_, name)| name.clone()).collect()
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.state.lock().expect("not poisoned").arrived.clone()
    }

    /// Serves a connection until it is cancelled, or lost.
    pub(crate) async fn serve(
        self: Arc<Self>,
        context: ChannelContext,
    ) -> Result<(), ChannelError> {
        for chat in 0..CHATS {
            context.tasks.spawn(self.clone().hand_in(chat, context.clone()));
        }
        let lasts = if self.chance(2) {
            Duration::from_millis(500 + self.rng.below(15_000))
        } else {
            Duration::from_secs(1_000_000)
        };
        tokio::select! {
            biased;
            () = context.cancel.cancelled() => Ok(()),
            () = sleep(lasts) => {
                self.trace.note("the connection is lost");
                Err(ChannelError::Connection { message: "lost".into(), retry_after: None })
            }
        }
    }

    /// Hands in what waits in one chat, in order, until it is acknowledged.
    async fn hand_in(self: Arc<Self>, chat: usize, context: ChannelContext) {
        while !context.cancel.is_cancelled() {
            let Some((at, name, index)) = self.next(chat) else { return };
            let wait = at.since(self.clock.now());
            tokio::select! {
                biased;
                () = context.cancel.cancelled() => return,
                () = sleep(wait) => {}
            }
            let event = inbound(chat, &name, at);
            let copies = if self.chance(6) { 2 } else { 1 };
            // The copies are on their way at the same time.
            let (first, second) = if copies == 2 {
                self.trace.note(format!("{name} is handed in twice"));
                let (first, second) = tokio::join!(
                    context.ingress.accept(event.clone()),
                    context.ingress.accept(event)
                );
                (first, Some(second))
            } else {
                (context.ingress.accept(event).await, None)
            };
            let mut is_stored = self.answered(&name, &first);
            if let Some(second) = second {
                is_stored |= self.answered(&name, &second);
            }
            if !is_stored || self.chance(8) {
                // Not taken, or its acknowledgement is lost: it is handed in again.
                sleep(Duration::from_millis(300)).await;
                continue;
            }
            let mut state = self.state.lock().expect("not poisoned");
            // Another gateway may have handed in more meanwhile.
            let acknowledged = &mut state.chats[chat].acknowledged;
            *acknowledged = (index + 1).max(*acknowledged);
        }
    }

    fn next(&self, chat: usize) -> Option<(Timestamp, String, usize)> {
        let state = self.state.lock().expect("not poisoned");
        let chat = &state.chats[chat];
        let (at, name) = chat.said.get(chat.acknowledged)?.clone();
        Some((at, name, chat.acknowledged))
    }

    /// Whether an event need not be handed in again.
    fn answered(&self, name: &str, answer: &Accept) -> bool {
        self.trace.note(format!("{name}: {answer:?}"));
        match answer {
            Accept::Accepted { .. } => {
                let is_first =
                    self.state.lock().expect("not poisoned").accepted.insert(name.to_owned());
                if !is_first {
                    self.trace.violation(format!("{name} was accepted twice"));
                }
                true
            }
            Accept::Duplicate => true,
            Accept::Busy => false,
            Accept::Noted | Accept::Denied { .. } => {
                self.trace.violation(format!("{name} was answered {answer:?}"));
                true
            }
        }
    }
}

/// Names order as they were said.
fn name(number: usize) -> String {
    format!("m{number:02}")
}

/// What somebody says in a chat.
pub(crate) fn inbound(chat: usize, name: &str, sent_at: Timestamp) -> Inbound {
    Inbound {
        conversation: Conversation {
            channel_id: channel_id(),
            chat_id: chat_id(chat),
            kind: if chat < GROUPS { ChatKind::Group } else { ChatKind::Direct },
            thread_id: None,
            title: None,
        },
        external_id: ExternalId::new(name).expect("valid"),
        kind: InboundKind::Message,
        sender: Sender {
            id: UserId::new(format!("u{chat}")).expect("valid"),
            display_name: None,
            username: None,
            roles: Vec::new(),
            is_bot: false,
        },
        content: MessageContent::text(name),
        reply_to: None,
        mentions_self: true,
        sent_at,
    }
}
