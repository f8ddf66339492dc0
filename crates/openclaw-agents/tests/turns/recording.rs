use std::sync::Mutex;

use async_trait::async_trait;
use openclaw_core::AgentEvent;
use openclaw_sessions::TurnStream;
use tokio::sync::Notify;

use crate::support::LIMIT;

/// What a turn's readers saw.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    events: Mutex<Vec<AgentEvent>>,
    changed: Notify,
}

impl Recording {
    pub(crate) fn events(&self) -> Vec<AgentEvent> {
        self.events.lock().expect("sound").clone()
    }

    /// The text after resets.
    pub(crate) fn text(&self) -> String {
        let mut shown = String::new();
        for event in self.events() {
            if let AgentEvent::Delta { text, reset, .. } = event {
                if reset {
                    shown.clear();
                }
                shown.push_str(&text);
            }
        }
        shown
    }

    pub(crate) fn resets(&self) -> usize {
        let is_reset = |event: &AgentEvent| matches!(event, AgentEvent::Delta { reset: true, .. });
        self.events().iter().filter(|event| is_reset(event)).count()
    }

    /// Waits until readers have seen this text.
    pub(crate) async fn wait_for(&self, needle: &str) {
        let seen = async {
            loop {
                let changed = self.changed.notified();
                if self.text().contains(needle) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(LIMIT, seen).await.expect("the text comes");
    }
}

#[async_trait]
impl TurnStream for Recording {
    fn emit(&self, event: AgentEvent) {
        self.events.lock().expect("sound").push(event);
        self.changed.notify_waiters();
    }

    fn committed(&self, _: i64) {}

    async fn finish(&self) {}
}
