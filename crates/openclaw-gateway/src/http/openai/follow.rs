use std::sync::Arc;
use std::time::Duration;

use openclaw_core::RunStatus;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_sessions::{RunEnd, StopTarget, WaitError};
use tokio::time::{Instant, timeout_at};

use super::ask::Running;
use super::error::Refused;
use crate::GatewayState;
use crate::auth::Grant;
use crate::hub::{CloseReason, Heard, RunListener};
use crate::server::{EventSender, Shared};

/// How long a streamed answer may take to begin before its head is sent without it. All tries of a
/// model that fails are over by then, and their error still has a status of its own.
const HEAD_LIMIT: Duration = Duration::from_secs(16);
/// How long a stream that is over for another reason than its end may take to say so.
const LAST_WORD: Duration = Duration::from_secs(1);
/// The longest silence on a stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Waits for the end of a run that somebody waits for.
///
/// # Errors
/// When it ends without an answer, or cannot be waited for any more.
pub(super) async fn whole(shared: &Shared, running: &mut Running) -> Result<RunEnd, Refused> {
    // All arms are cancel-safe.
    tokio::select! {
        end = running.watch.end() => answered(end.map_err(not_seen)?),
        refused = closed(&running.listener) => Err(refused),
        refused = cut_off(shared, &running.grant) => Err(refused),
    }
}

/// Waits until the caller's credential counts no more. Cancel-safe.
async fn is_over(shared: &Shared, grant: &Grant) {
    grant.over(shared.state().clock.as_ref()).await;
}

/// Waits until nothing more may be told, though the run goes on. Cancel-safe.
async fn cut_off(shared: &Shared, grant: &Grant) -> Refused {
    tokio::select! {
        () = is_over(shared, grant) => refused_by(CloseReason::CredentialRevoked),
        () = shared.closing() => stopping(),
    }
}

/// What became of a piece.
#[derive(Debug, PartialEq, Eq)]
enum Sent<C> {
    Taken,
    ReaderGone,
    /// Its reader was too slow for what ended the wait.
    CutOff(C),
}

/// Sends a piece to a reader that may be slow, or not read at all, until `end`.
async fn sent<C>(sender: &EventSender, piece: String, end: impl Future<Output = C>) -> Sent<C> {
    // A piece that is not taken is lost, which nobody minds once there is an end.
    tokio::select! {
        biased;
        is_taken = sender.send(piece) => if is_taken { Sent::Taken } else { Sent::ReaderGone },
        why = end => Sent::CutOff(why),
    }
}

async fn closed(listener: &RunListener) -> Refused {
    loop {
        if let Heard::Closed(reason) = listener.next().await {
            return refused_by(reason);
        }
    }
}

/// An end with an answer.
fn answered(end: RunEnd) -> Result<RunEnd, Refused> {
    let is_answer = end.status == RunStatus::Done
        || (end.status == RunStatus::Merged && end.error.is_none() && end.reply.is_some());
    if is_answer { Ok(end) } else { Err(Refused::of_run(&end)) }
}

fn not_seen(error: WaitError) -> Refused {
    match error {
        WaitError::Storage(source) => OpenClawError::from(source).into(),
        other => OpenClawError::unavailable(other.to_string()).into(),
    }
}

pub(super) fn stopping() -> Refused {
    OpenClawError::unavailable("the gateway is stopping").into()
}

/// Nobody is told this: it ends what was done for the caller.
pub(super) fn peer_gone() -> Refused {
    OpenClawError::unavailable("the caller is gone").into()
}

fn refused_by(reason: CloseReason) -> Refused {
    match reason {
        CloseReason::CredentialRevoked => {
            OpenClawError::new(ErrorKind::Unauthenticated, "the credential was revoked").into()
        }
        CloseReason::SlowReader | CloseReason::NoPong | CloseReason::Stopping => stopping(),
    }
}

/// Writes a run in one interface's events.
pub(super) trait Writer: Send {
    /// Writes what comes before anything of the answer.
    fn begin(&mut self, to: &mut Events);
    /// Writes new text.
    fn text(&mut self, text: &str, to: &mut Events);
    /// Writes the end of an answer.
    fn end(&mut self, end: &RunEnd, to: &mut Events);
    /// Writes that there will be no answer.
    fn fail(&mut self, refused: &Refused, to: &mut Events);
}

/// Events to be sent next.
#[derive(Debug, Default)]
pub(super) struct Events(String);

impl Events {
    /// Adds an event; `name` is left out where the interface has none.
    pub(super) fn push(&mut self, name: Option<&str>, data: &impl serde::Serialize) {
        match serde_json::to_string(data) {
            Ok(data) => {
                if let Some(name) = name {
                    self.0.push_str(&format!("event: {name}\n"));
                }
                self.0.push_str(&format!("data: {data}\n\n"));
            }
            Err(error) => tracing::error!(%error, "an event cannot be written as JSON"),
        }
    }

    /// The word after the last event.
    pub(super) fn done(&mut self) {
        self.0.push_str("data: [DONE]\n\n");
    }

    fn take(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

/// Waits until a streamed answer has something to say; what it heard first is given back.
///
/// # Errors
/// As [`whole`], as long as nothing was said.
pub(super) async fn first(running: &mut Running, shared: &Shared) -> Result<First, Refused> {
    let until = Instant::now() + HEAD_LIMIT;
    loop {
        // All arms are cancel-safe.
        let heard = tokio::select! {
            biased;
            heard = timeout_at(until, running.listener.next()) => heard,
            end = running.watch.end() => {
                return Ok(First::End(Box::new(answered(end.map_err(not_seen)?)?)));
            }
            refused = cut_off(shared, &running.grant) => return Err(refused),
        };
        match heard {
            Err(_) => return Ok(First::Text(String::new())),
            Ok(Heard::Closed(reason)) => return Err(refused_by(reason)),
            Ok(Heard::Activity) => {}
            Ok(heard) => {
                if let Some(text) = running.text.hear(&heard) {
                    return Ok(First::Text(text));
                }
            }
        }
    }
}

/// What a streamed answer begins with.
pub(super) enum First {
    /// Text, or nothing yet.
    Text(String),
    /// It was over before.
    End(Box<RunEnd>),
}

/// Streams a run to its end. A reader that goes away ends a run that only it could ask for.
pub(super) async fn stream(
    state: Arc<GatewayState>,
    shared: Arc<Shared>,
    mut running: Running,
    first: First,
    mut writer: impl Writer,
    sender: EventSender,
) {
    let mut events = Events::default();
    writer.begin(&mut events);
    let mut over = match first {
        First::Text(text) => {
            write_text(&mut writer, Some(text), &mut events);
            None
        }
        First::End(end) => Some(Ok(*end)),
    };
    loop {
        if let Some(over) = over {
            finish(&mut running, over, &mut writer, &mut events);
            let late = async {
                cut_off(&shared, &running.grant).await;
                tokio::time::sleep(LAST_WORD).await;
            };
            if sent(&sender, events.take(), late).await != Sent::Taken {
                tracing::debug!(run_id = %running.run_id, "the reader of an answer was gone at its end");
            }
            return;
        }
        let pending = events.take();
        if !pending.is_empty() {
            match sent(&sender, pending, cut_off(&shared, &running.grant)).await {
                Sent::Taken => {}
                Sent::ReaderGone => return left(&state, &running).await,
                Sent::CutOff(refused) => {
                    over = Some(Err(refused));
                    continue;
                }
            }
        }
        // All arms are cancel-safe.
        let heard = tokio::select! {
            biased;
            heard = running.listener.next() => heard,
            end = running.watch.end() => {
                over = Some(end.map_err(not_seen).and_then(answered));
                continue;
            }
            refused = cut_off(&shared, &running.grant) => {
                over = Some(Err(refused));
                continue;
            }
            () = sender.gone() => return left(&state, &running).await,
            () = tokio::time::sleep(KEEP_ALIVE) => {
                events.0.push_str(": still at work\n\n");
                continue;
            }
        };
        match heard {
            Heard::Closed(reason) => over = Some(Err(refused_by(reason))),
            heard => write_text(&mut writer, running.text.hear(&heard), &mut events),
        }
    }
}

fn write_text(writer: &mut impl Writer, text: Option<String>, events: &mut Events) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        writer.text(&text, events);
    }
}

fn finish(
    running: &mut Running,
    over: Result<RunEnd, Refused>,
    writer: &mut impl Writer,
    events: &mut Events,
) {
    while let Some(heard) = running.listener.try_next() {
        write_text(writer, running.text.hear(&heard), events);
    }
    match over {
        Ok(end) => {
            let rest = running.text.end(end.reply.as_deref().unwrap_or_default());
            write_text(writer, rest, events);
            writer.end(&end, events);
        }
        Err(refused) => writer.fail(&refused, events),
    }
}

/// Nobody reads the answer any more.
pub(super) async fn left(state: &GatewayState, running: &Running) {
    tracing::debug!(run_id = %running.run_id, "the reader of an answer went away");
    if !running.is_own_session {
        // It is in the session, where the next request finds it.
        return;
    }
    if let Err(error) = state.lanes.stop(StopTarget::Run(&running.run_id)).await {
        tracing::warn!(run_id = %running.run_id, %error, "a run that nobody waits for is not stopped");
    }
}

#[cfg(test)]
mod tests {
    use super::{LAST_WORD, Sent, sent, stopping};
    use crate::server::event_stream;
    use std::future::{pending, ready};
    use tokio::time::{Instant, sleep};

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_does_not_read_holds_nothing_up() {
        let (sender, reply) = event_stream();
        // What waits for the reader is bounded; then the writer waits.
        let mut taken = 0;
        while sent(&sender, "data: x\n\n".to_owned(), sleep(LAST_WORD)).await == Sent::Taken {
            taken += 1;
            assert!(taken < 100, "everything is taken");
        }
        let begun = Instant::now();
        assert_eq!(sent(&sender, String::new(), ready("revoked")).await, Sent::CutOff("revoked"));
        assert_eq!(sent(&sender, String::new(), sleep(LAST_WORD)).await, Sent::CutOff(()));
        assert_eq!(begun.elapsed().as_secs(), LAST_WORD.as_secs());
        drop(reply);
        assert_eq!(sent(&sender, String::new(), pending::<()>()).await, Sent::ReaderGone);
    }

    #[test]
    fn nobody_is_told_to_ask_again_for_a_run_that_is_stored() {
        assert!(!stopping().reply().headers().contains_key("x-should-retry"));
        let stored = stopping().after_storing().reply();
        assert_eq!(stored.headers()["x-should-retry"], "false");
    }
}
