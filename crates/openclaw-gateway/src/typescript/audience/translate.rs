use openclaw_core::{AgentEvent, RunId, SessionKey, StopReason, Timestamp, ToolPhase};
use openclaw_protocol::event::{AgentDoneEvent, AgentErrorEvent, AgentToolEvent, topic};
use openclaw_protocol::typescript::events::{AgentPayload, ChatMessage, ChatPayload, ChatState};
use serde_json::{Value, json};

/// The least time between two deltas of `chat` of one run.
const CHAT_STEP_MS: i64 = 150;
/// From this length on, the text so far goes out at most every [`LONG_STEP_MS`]: each event carries
/// all of it.
const LONG: usize = 8 << 10;
const LONG_STEP_MS: i64 = 50;

/// One event to tell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    Agent { payload: Value, is_tool: bool },
    Chat { payload: Value, is_end: bool },
}

/// What is told of one run: all of its text so far, and what went out of it.
#[derive(Debug, Default)]
pub(super) struct Run {
    seq: u64,
    text: String,
    /// The index of the next delta.
    next_index: u64,
    /// The run was met in its middle: its text is told only at its end.
    is_incomplete: bool,
    /// Text that `agent` has not carried yet.
    unsent: String,
    /// A new try began since the last delta of `chat`.
    is_anew: bool,
    agent_at: Option<i64>,
    chat_at: Option<i64>,
    /// How much of the text `chat` has carried.
    chat_len: usize,
    last_at: i64,
}

/// Which run, for the events of it.
#[derive(Clone, Copy)]
struct Of<'a> {
    run: &'a RunId,
    session: &'a SessionKey,
    now: i64,
}

impl Run {
    pub(super) fn last_at(&self) -> i64 {
        self.last_at
    }

    pub(super) fn started(
        &mut self,
        run: &RunId,
        session: &SessionKey,
        now: Timestamp,
    ) -> Vec<Told> {
        let of = self.touched(run, session, now);
        vec![self.agent(of, "lifecycle", json!({ "phase": "start", "startedAt": of.now }))]
    }

    /// A live event: new text, or what a tool prints.
    pub(super) fn live(
        &mut self,
        run: &RunId,
        session: &SessionKey,
        event: &AgentEvent,
        now: Timestamp,
    ) -> Vec<Told> {
        let of = self.touched(run, session, now);
        match event {
            AgentEvent::Delta { text, index, reset } => {
                self.take_delta(text, *index, *reset);
                self.text_due(of)
            }
            AgentEvent::Tool { call_id, name, .. } => {
                // What comes out of a tool is not shown to these clients, only that it goes on.
                let data = json!({ "phase": "update", "name": name, "toolCallId": call_id });
                vec![self.agent(of, "tool", data)]
            }
            AgentEvent::Compaction { .. } => vec![self.compaction(of, "start")],
            AgentEvent::Started { .. } | AgentEvent::Done { .. } | AgentEvent::Error { .. } => {
                Vec::new()
            }
        }
    }

    /// A stored event of a tool.
    pub(super) fn tool(
        &mut self,
        run: &RunId,
        session: &SessionKey,
        data: &Value,
        now: Timestamp,
    ) -> Vec<Told> {
        let Ok(event) = serde_json::from_value::<AgentToolEvent>(data.clone()) else {
            return Vec::new();
        };
        let of = self.touched(run, session, now);
        let (name, id) = (event.name, event.call_id);
        let data = match event.phase {
            ToolPhase::Started => json!({
                "phase": "start", "name": name, "toolCallId": id,
                "args": event.arguments.unwrap_or_else(|| json!({})),
            }),
            ToolPhase::Output => json!({ "phase": "update", "name": name, "toolCallId": id }),
            ToolPhase::Finished => json!({
                "phase": "result", "name": name, "toolCallId": id,
                "isError": event.is_error.unwrap_or(false),
            }),
        };
        let mut told = self.flush_agent(of);
        told.push(self.agent(of, "tool", data));
        told
    }

    /// A summary was stored.
    pub(super) fn compacted(
        &mut self,
        run: &RunId,
        session: &SessionKey,
        now: Timestamp,
    ) -> Vec<Told> {
        let of = self.touched(run, session, now);
        vec![self.compaction(of, "end")]
    }

    fn compaction(&mut self, of: Of<'_>, phase: &str) -> Told {
        self.agent(of, "compaction", json!({ "phase": phase, "willRetry": false }))
    }

    /// The end of the run.
    pub(super) fn ended(
        &mut self,
        run: &RunId,
        session: &SessionKey,
        event_topic: &str,
        data: Option<&Value>,
        now: Timestamp,
    ) -> Vec<Told> {
        let of = self.touched(run, session, now);
        let data = data.cloned().unwrap_or_default();
        if event_topic == topic::AGENT_ERROR {
            let message = match serde_json::from_value::<AgentErrorEvent>(data) {
                Ok(AgentErrorEvent { message, hint: Some(hint), .. }) => {
                    format!("{message}; {hint}")
                }
                Ok(event) => event.message,
                Err(_) => "the run failed".to_owned(),
            };
            let ended = json!({ "phase": "error", "error": message, "endedAt": of.now });
            let mut told = self.flush_agent(of);
            told.push(self.agent(of, "lifecycle", ended));
            told.push(self.end(of, ChatState::Error, None, Some(message), None));
            return told;
        }
        let done = serde_json::from_value::<AgentDoneEvent>(data);
        let (reply, stop) = match done {
            Ok(done) => (done.reply, done.stop_reason),
            Err(_) => (std::mem::take(&mut self.text), StopReason::EndTurn),
        };
        let is_aborted = matches!(stop, StopReason::Stopped | StopReason::Timeout);
        let mut ended = json!({ "phase": "end", "endedAt": of.now });
        if is_aborted {
            ended["aborted"] = Value::Bool(true);
        }
        let (state, reason) = match stop {
            StopReason::Stopped => (ChatState::Aborted, Some("rpc")),
            StopReason::Timeout => (ChatState::Aborted, Some("timeout")),
            StopReason::MaxTokens => (ChatState::Final, Some("length")),
            StopReason::EndTurn
            | StopReason::ToolLimit
            | StopReason::SpendLimit
            | StopReason::ToolLoop
            | StopReason::ToolCalls => (ChatState::Final, None),
        };
        let mut told = self.flush_agent(of);
        told.push(self.agent(of, "lifecycle", ended));
        told.push(self.end(of, state, Some(reply), None, reason));
        told
    }

    fn touched<'a>(&mut self, run: &'a RunId, session: &'a SessionKey, now: Timestamp) -> Of<'a> {
        self.last_at = now.as_millis();
        Of { run, session, now: self.last_at }
    }

    fn take_delta(&mut self, text: &str, index: u64, reset: bool) {
        if reset {
            self.text.clear();
            self.unsent.clear();
            self.chat_len = 0;
            self.is_anew = true;
            self.is_incomplete = false;
        } else if index != self.next_index {
            self.is_incomplete = true;
        }
        self.next_index = index + 1;
        if !self.is_incomplete {
            self.text.push_str(text);
            self.unsent.push_str(text);
        }
    }

    /// The text so far, where it is time to tell it.
    fn text_due(&mut self, of: Of<'_>) -> Vec<Told> {
        if self.is_incomplete || self.text.is_empty() {
            return Vec::new();
        }
        let is_due = |at: Option<i64>, step: i64| at.is_none_or(|at| of.now - at >= step);
        let mut told = Vec::new();
        if self.text.len() < LONG || is_due(self.agent_at, LONG_STEP_MS) {
            told.extend(self.flush_agent(of));
        }
        if is_due(self.chat_at, CHAT_STEP_MS) {
            self.chat_at = Some(of.now);
            let new = self.text.get(self.chat_len..).unwrap_or(&self.text).to_owned();
            self.chat_len = self.text.len();
            let payload = ChatPayload {
                run_id: of.run.as_str(),
                session_key: of.session.as_str(),
                seq: self.seq,
                state: ChatState::Delta,
                message: Some(ChatMessage::text("assistant", self.text.clone(), of.now)),
                delta_text: Some(new),
                replace: std::mem::take(&mut self.is_anew).then_some(true),
                error_message: None,
                stop_reason: None,
            };
            told.push(Told::Chat { payload: value(&payload), is_end: false });
        }
        told
    }

    fn flush_agent(&mut self, of: Of<'_>) -> Vec<Told> {
        if self.unsent.is_empty() {
            return Vec::new();
        }
        self.agent_at = Some(of.now);
        let delta = std::mem::take(&mut self.unsent);
        let data = json!({ "text": self.text, "delta": delta });
        vec![self.agent(of, "assistant", data)]
    }

    fn agent(&mut self, of: Of<'_>, stream: &'static str, data: Value) -> Told {
        self.seq += 1;
        let payload = AgentPayload {
            run_id: of.run.as_str(),
            stream,
            data,
            session_key: of.session.as_str(),
            seq: self.seq,
            ts: of.now,
        };
        Told::Agent { payload: value(&payload), is_tool: stream == "tool" }
    }

    fn end(
        &self,
        of: Of<'_>,
        state: ChatState,
        reply: Option<String>,
        error_message: Option<String>,
        stop_reason: Option<&'static str>,
    ) -> Told {
        let message = reply
            .filter(|reply| !reply.is_empty())
            .map(|reply| ChatMessage::text("assistant", reply, of.now));
        let payload = ChatPayload {
            run_id: of.run.as_str(),
            session_key: of.session.as_str(),
            seq: self.seq,
            state,
            message,
            delta_text: None,
            replace: None,
            error_message,
            stop_reason,
        };
        Told::Chat { payload: value(&payload), is_end: true }
    }
}

fn value<P: serde::Serialize>(payload: &P) -> Value {
    serde_json::to_value(payload).expect("payloads are texts and numbers")
}

#[cfg(test)]
mod tests {
    use super::{Run, Told};
    use openclaw_core::{AgentEvent, RunId, SessionKey, Timestamp};
    use openclaw_protocol::event::topic;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn names() -> (RunId, SessionKey) {
        let key = SessionKey::parse("agent:main:main").expect("valid");
        (RunId::new("r1").expect("valid"), key)
    }

    fn delta(text: &str, index: u64, reset: bool) -> AgentEvent {
        AgentEvent::Delta { text: text.to_owned(), index, reset }
    }

    fn payloads(told: Vec<Told>) -> Vec<Value> {
        let payload = |told| match told {
            Told::Agent { payload, .. } | Told::Chat { payload, .. } => payload,
        };
        told.into_iter().map(payload).collect()
    }

    #[test]
    fn a_run_is_told_from_start_to_end() {
        let (run, key) = names();
        let mut told = Run::default();
        let at = Timestamp::from_millis;
        let mut all = told.started(&run, &key, at(0));
        all.extend(told.live(&run, &key, &delta("Hel", 0, false), at(1)));
        all.extend(told.live(&run, &key, &delta("lo", 1, false), at(2)));
        all.extend(told.live(&run, &key, &delta("!", 2, false), at(151)));
        let done = json!({"reply": "Hello!", "usage": {}, "stop_reason": "end_turn"});
        all.extend(told.ended(&run, &key, topic::AGENT_DONE, Some(&done), at(160)));
        let lines: Vec<String> = payloads(all).iter().map(Value::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"runId":"r1","stream":"lifecycle","data":{"phase":"start","startedAt":0},"sessionKey":"agent:main:main","seq":1,"ts":0}
        {"runId":"r1","stream":"assistant","data":{"text":"Hel","delta":"Hel"},"sessionKey":"agent:main:main","seq":2,"ts":1}
        {"runId":"r1","sessionKey":"agent:main:main","seq":2,"state":"delta","message":{"role":"assistant","content":[{"type":"text","text":"Hel"}],"timestamp":1},"deltaText":"Hel"}
        {"runId":"r1","stream":"assistant","data":{"text":"Hello","delta":"lo"},"sessionKey":"agent:main:main","seq":3,"ts":2}
        {"runId":"r1","stream":"assistant","data":{"text":"Hello!","delta":"!"},"sessionKey":"agent:main:main","seq":4,"ts":151}
        {"runId":"r1","sessionKey":"agent:main:main","seq":4,"state":"delta","message":{"role":"assistant","content":[{"type":"text","text":"Hello!"}],"timestamp":151},"deltaText":"lo!"}
        {"runId":"r1","stream":"lifecycle","data":{"phase":"end","endedAt":160},"sessionKey":"agent:main:main","seq":5,"ts":160}
        {"runId":"r1","sessionKey":"agent:main:main","seq":5,"state":"final","message":{"role":"assistant","content":[{"type":"text","text":"Hello!"}],"timestamp":160}}
        "#);
    }

    #[test]
    fn a_new_try_replaces_and_a_run_met_in_its_middle_is_told_at_its_end() {
        let (run, key) = names();
        let at = Timestamp::from_millis;
        let mut told = Run::default();
        told.live(&run, &key, &delta("wrong", 0, false), at(0));
        let again = payloads(told.live(&run, &key, &delta("right", 0, true), at(200)));
        assert_eq!(again[0]["data"], json!({"text": "right", "delta": "right"}));
        assert_eq!((&again[1]["replace"], &again[1]["deltaText"]), (&json!(true), &json!("right")));
        let mut late = Run::default();
        assert!(late.live(&run, &key, &delta("end of it", 7, false), at(0)).is_empty());
        let failed = json!({"code": "agent", "message": "it broke", "hint": "mend it"});
        let end = payloads(late.ended(&run, &key, topic::AGENT_ERROR, Some(&failed), at(1)));
        assert_eq!(end[0]["data"]["error"], "it broke; mend it");
        assert_eq!(
            (&end[1]["state"], &end[1]["errorMessage"]),
            (&json!("error"), &json!("it broke; mend it"))
        );
    }

    #[test]
    fn what_was_stopped_is_aborted_and_silence_is_final_without_a_message() {
        let (run, key) = names();
        let end = |reply: &str, reason: &str| {
            let done = json!({"reply": reply, "usage": {}, "stop_reason": reason});
            let told = Run::default().ended(
                &run,
                &key,
                topic::AGENT_DONE,
                Some(&done),
                Timestamp::default(),
            );
            payloads(told)
        };
        let stopped = end("par", "stopped");
        assert_eq!(stopped[0]["data"]["aborted"], true);
        assert_eq!(
            (&stopped[1]["state"], &stopped[1]["message"]["content"][0]["text"]),
            (&json!("aborted"), &json!("par"))
        );
        let silent = end("", "end_turn");
        assert_eq!((&silent[1]["state"], silent[1].get("message")), (&json!("final"), None));
    }

    proptest! {
        /// Whatever the times and cuts: the deltas of each stream add up to the text it carries, and
        /// nothing is left out before the end.
        #[test]
        fn deltas_add_up(
            steps in prop::collection::vec(("\\PC{0,12}", 0_i64..300, prop::bool::weighted(0.1)), 1..40)
        ) {
            let (run, key) = names();
            let mut told = Run::default();
            let (mut agent, mut chat, mut whole, mut now) = (String::new(), String::new(), String::new(), 0);
            for (index, (text, pause, reset)) in steps.iter().enumerate() {
                now += pause;
                if *reset {
                    whole.clear();
                    agent.clear();
                }
                whole.push_str(text);
                let event = delta(text, index as u64, *reset);
                for payload in payloads(told.live(&run, &key, &event, Timestamp::from_millis(now))) {
                    if payload["stream"] == "assistant" {
                        agent.push_str(payload["data"]["delta"].as_str().unwrap_or_default());
                        prop_assert_eq!(payload["data"]["text"].as_str(), Some(&*agent));
                        prop_assert_eq!(&agent, &whole);
                    } else {
                        if payload["replace"] == true {
                            chat.clear();
                        }
                        chat.push_str(payload["deltaText"].as_str().unwrap_or_default());
                        prop_assert_eq!(&chat, &whole);
                    }
                }
            }
        }
    }
}
