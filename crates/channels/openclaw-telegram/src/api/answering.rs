use std::marker::PhantomData;

use openclaw_core::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use teloxide::requests::{MultipartPayload, Payload};
use teloxide::types::InputFile;

/// A call of which only this much of the answer is decoded: a message that was sent and whose answer
/// has a field teloxide does not understand must not look like a failure.
#[derive(Debug, Clone)]
pub(crate) struct Answering<P, O> {
    payload: P,
    output: PhantomData<fn() -> O>,
}

impl<P, O> Answering<P, O> {
    pub(crate) fn new(payload: P) -> Self {
        Self { payload, output: PhantomData }
    }
}

impl<P: Payload, O> Payload for Answering<P, O> {
    type Output = O;
    const NAME: &'static str = P::NAME;
}

impl<P: Serialize, O> Serialize for Answering<P, O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.payload.serialize(serializer)
    }
}

impl<P: MultipartPayload, O> MultipartPayload for Answering<P, O> {
    fn copy_files(&self, into: &mut dyn FnMut(InputFile)) {
        self.payload.copy_files(into);
    }

    fn move_files(&mut self, into: &mut dyn FnMut(InputFile)) {
        self.payload.move_files(into);
    }
}

/// What we need of a message that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Sent {
    pub(crate) message_id: i32,
    #[serde(default)]
    date: Option<i64>,
    #[serde(default)]
    edit_date: Option<i64>,
}

impl Sent {
    pub(crate) fn of_id(message_id: i32) -> Self {
        Self { message_id, date: None, edit_date: None }
    }

    /// When the service says it was sent or changed.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        let seconds = self.edit_date.or(self.date)?;
        Some(Timestamp::from_millis(seconds.saturating_mul(1_000)))
    }
}

/// An answer of which nothing is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}
