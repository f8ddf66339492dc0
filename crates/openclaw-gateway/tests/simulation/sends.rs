use std::time::Duration;

use openclaw_channel_traits::{DeliveryError, Found, LookedUpMessage, Lookup, Reconcile};
use openclaw_core::{
    Clock as _, EditMessage, ExternalId, Outbound, OutboxId, Receipt, Rng as _, SendMessage,
};
use tokio::time::sleep;

use crate::service::{Arrived, Service};

/// What becomes of something the gateway gives over.
enum Answer {
    Confirm,
    ConfirmUnheard,
    Refuse(DeliveryError),
}

impl Service {
    /// Takes what the assistant does in a chat, or not.
    pub(crate) async fn take(&self, outbound: Outbound) -> Result<Receipt, DeliveryError> {
        match outbound {
            Outbound::Send(send) => self.send(send).await,
            Outbound::Edit(edit) => self.edit(edit).await,
            Outbound::Typing(_) => Ok(self.receipt(None)),
            _ => Err(DeliveryError::Unsupported("anything but sending and editing")),
        }
    }

    async fn send(&self, send: SendMessage) -> Result<Receipt, DeliveryError> {
        let what = format!("send {} {:?}", send.key, send.text);
        let answer = match self.begin(&what).await {
            // A service that knows the key answers as it did before.
            Err(DeliveryError::Refused(_)) if self.has(&send.key) => Answer::Confirm,
            begun => begun?,
        };
        let external_id = self.keep(send);
        self.end(&what, answer).await?;
        Ok(self.receipt(Some(external_id)))
    }

    async fn edit(&self, edit: EditMessage) -> Result<Receipt, DeliveryError> {
        let what = format!("edit {} {:?}", edit.target, edit.text);
        let answer = self.begin(&what).await?;
        let is_there = {
            let mut state = self.state.lock().expect("not poisoned");
            let found = state.arrived.iter_mut().find(|message| message.external_id == edit.target);
            found.map(|message| message.text = edit.text).is_some()
        };
        if !is_there {
            return Err(DeliveryError::Refused("there is no such message".into()));
        }
        self.end(&what, answer).await?;
        Ok(self.receipt(Some(edit.target)))
    }

    /// The way there.
    async fn begin(&self, what: &str) -> Result<Answer, DeliveryError> {
        sleep(Duration::from_millis(self.rng.below(400))).await;
        match self.answer() {
            Answer::Refuse(error) => {
                self.trace.note(format!("{what}: {error}"));
                Err(error)
            }
            answer => {
                self.trace.note(format!("{what}: arrived"));
                Ok(answer)
            }
        }
    }

    /// The way back.
    async fn end(&self, what: &str, answer: Answer) -> Result<(), DeliveryError> {
        sleep(Duration::from_millis(self.rng.below(400))).await;
        if matches!(answer, Answer::ConfirmUnheard) {
            self.trace.note(format!("{what}: its answer is lost"));
            return Err(DeliveryError::Unknown("the answer was lost".into()));
        }
        Ok(())
    }

    fn has(&self, key: &OutboxId) -> bool {
        let state = self.state.lock().expect("not poisoned");
        self.reconcile == Reconcile::Deduplicates
            && state.arrived.iter().any(|message| message.key == *key)
    }

    /// Keeps a message, once for each key where the service deduplicates.
    fn keep(&self, send: SendMessage) -> ExternalId {
        let mut state = self.state.lock().expect("not poisoned");
        if self.reconcile == Reconcile::Deduplicates
            && let Some(before) = state.arrived.iter().find(|message| message.key == send.key)
        {
            return before.external_id.clone();
        }
        let external_id = ExternalId::new(format!("s{}", state.arrived.len() + 1)).expect("valid");
        state.arrived.push(Arrived {
            chat: send.chat.chat_id,
            key: send.key,
            external_id: external_id.clone(),
            sent_at: self.clock.now(),
            text: send.text,
        });
        external_id
    }

    fn receipt(&self, external_id: Option<ExternalId>) -> Receipt {
        Receipt { external_id, sent_at: self.clock.now() }
    }

    /// Looks for a message of the assistant by the key it was sent with.
    pub(crate) async fn look_up(&self, lookup: Lookup) -> Result<Found, DeliveryError> {
        let Lookup::OwnMessage { key, .. } = lookup else {
            return Err(DeliveryError::Unsupported("looking up anything but own messages"));
        };
        if self.reconcile != Reconcile::LooksUp {
            return Err(DeliveryError::Unsupported("looking up"));
        }
        sleep(Duration::from_millis(self.rng.below(400))).await;
        if self.has_faults() && self.rng.below(4) == 0 {
            return Err(DeliveryError::Unreachable("no route".into()));
        }
        let state = self.state.lock().expect("not poisoned");
        let found = state.arrived.iter().find(|message| message.key == key);
        self.trace.note(format!("look up {key}: {:?}", found.map(|message| &message.external_id)));
        Ok(Found::OwnMessage(found.map(|message| LookedUpMessage {
            external_id: message.external_id.clone(),
            sent_at: message.sent_at,
        })))
    }

    fn answer(&self) -> Answer {
        if !self.has_faults() {
            return Answer::Confirm;
        }
        match self.rng.below(12) {
            0 => Answer::ConfirmUnheard,
            1 => Answer::Refuse(DeliveryError::Unreachable("no route".into())),
            2 => Answer::Refuse(DeliveryError::RetryAfter(Duration::from_millis(
                self.rng.below(5_000),
            ))),
            3 if self.rng.below(3) == 0 => {
                Answer::Refuse(DeliveryError::Refused("not this text".into()))
            }
            _ => Answer::Confirm,
        }
    }
}
