use std::collections::BTreeMap;

use openclaw_core::{ExternalId, InboxId, Outbound, OutboxId, RunStatus};
use openclaw_storage::Storage;
use openclaw_storage::rows::{
    InboxRow, InputState, OutboxKind, OutboxRow, OutboxState, TranscriptKind,
};
use serde_json::json;

use crate::runner::STEP;
use crate::service::{Arrived, CHATS, INPUTS, Service, channel_id, chat_id};
use crate::world::Trace;

/// Notes everything that is wrong once nothing happens any more.
pub(crate) async fn check(storage: &dyn Storage, service: &Service, trace: &Trace) {
    let stored = storage.recent_inputs(None, 1_000).await.expect("reads");
    if stored.len() != INPUTS {
        trace.violation(format!("{} inputs were stored of {INPUTS}", stored.len()));
    }
    let arrived = service.arrived();
    let mut rows_by_key = BTreeMap::new();
    for chat in 0..CHATS {
        let mut inputs = Vec::new();
        for name in service.said(chat) {
            let id = ExternalId::new(name.as_str()).expect("valid");
            let found = storage
                .input_by_external_id(&channel_id(), &chat_id(chat), &id)
                .await
                .expect("reads");
            match found {
                Some(input) => inputs.push((name, input)),
                None => trace.violation(format!("{name} was lost")),
            }
        }
        if !inputs.is_sorted_by_key(|(_, input)| input.position) {
            trace.violation(format!("the inputs of chat {chat} were stored out of order"));
        }
        let mut rows = Vec::new();
        for (name, input) in &inputs {
            rows.extend(check_input(storage, trace, name, input).await);
        }
        check_heard(trace, &inputs, &rows);
        check_order(trace, chat, &rows, &arrived);
        rows_by_key.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
    }
    check_arrivals(trace, &rows_by_key, &arrived);
}

/// One input's end and the rows of its run.
async fn check_input(
    storage: &dyn Storage,
    trace: &Trace,
    name: &str,
    input: &InboxRow,
) -> Vec<OutboxRow> {
    if !input.state.is_final() || input.ended_at.is_none() {
        trace.violation(format!("{name} is {:?} and has not ended", input.state));
    }
    let rows = storage.outbox_of_run(&input.run_id).await.expect("reads");
    let expected = match input.state {
        InputState::Answered => 1,
        // Whoever is not answered is told, unless a newer message took the turn away.
        InputState::Failed => usize::from(input.status != RunStatus::Stopped),
        _ => 0,
    };
    let said = rows.iter().filter(|row| row.kind != OutboxKind::Preview).count();
    if said != expected {
        trace.violation(format!("{name} is {:?} and has {said} rows", input.state));
    }
    if input.state == InputState::Answered {
        let entries =
            storage.transcript_of_run(&input.session_id, &input.run_id).await.expect("reads");
        let steps = entries.iter().filter(|entry| entry.data == json!(STEP)).count();
        let answers = entries
            .iter()
            .filter(|entry| entry.kind == TranscriptKind::Assistant && entry.data != json!(STEP))
            .count();
        if (steps, answers) != (1, 1) {
            trace.violation(format!("the run of {name} has {steps} steps, {answers} answers"));
        }
    }
    for row in &rows {
        if !row.state.is_final() {
            trace.violation(format!("row {} is {:?}", row.id, row.state));
        }
    }
    rows
}

/// Each answered or merged input is named by exactly one answer: that of the run that ended it.
fn check_heard(trace: &Trace, inputs: &[(String, InboxRow)], rows: &[OutboxRow]) {
    for (name, input) in inputs {
        let taker = match input.state {
            InputState::Answered => Some(&input.run_id),
            InputState::Merged => input.merged_into.as_ref(),
            _ => None,
        };
        let Some(taker) = taker else { continue };
        let is_answered = inputs
            .iter()
            .any(|(_, other)| other.run_id == *taker && other.state == InputState::Answered);
        if !is_answered {
            continue;
        }
        let heard: Vec<Option<&InboxId>> = rows
            .iter()
            .flat_map(|row| words(row).into_iter().filter(|word| word == name).map(move |_| row))
            .map(|row| {
                let run = row.run_id.as_ref()?;
                inputs.iter().find(|(_, other)| other.run_id == *run).map(|(_, other)| &other.id)
            })
            .collect();
        let expected =
            inputs.iter().find(|(_, other)| other.run_id == *taker).map(|(_, other)| &other.id);
        if heard != [expected] {
            trace.violation(format!("{name} is named by the answers of {heard:?}"));
        }
    }
}

/// The words of an answer.
fn words(row: &OutboxRow) -> Vec<String> {
    let text = match &row.outbound {
        _ if row.kind == OutboxKind::Preview => "",
        Outbound::Send(send) => &send.text,
        Outbound::Edit(edit) => &edit.text,
        _ => "",
    };
    text.split_whitespace().map(str::to_owned).collect()
}

/// Rows of one chat arrive in the order in which they were stored.
fn check_order(trace: &Trace, chat: usize, rows: &[OutboxRow], arrived: &[Arrived]) {
    let mut firsts: Vec<&OutboxId> = Vec::new();
    for message in arrived.iter().filter(|message| message.chat == chat_id(chat)) {
        if !firsts.contains(&&message.key) {
            firsts.push(&message.key);
        }
    }
    let positions: Vec<Option<i64>> = firsts
        .iter()
        .map(|key| rows.iter().find(|row| row.id == **key).map(|row| row.position))
        .collect();
    if !positions.is_sorted() {
        trace.violation(format!("replies in chat {chat} arrived in the order {positions:?}"));
    }
    // Inputs of one chat are ended in order, so their answers are stored in order.
    if !rows.is_sorted_by_key(|row| row.position) {
        trace.violation(format!("replies in chat {chat} were stored out of order"));
    }
}

/// Each row arrived as often as its state says.
fn check_arrivals(trace: &Trace, rows: &BTreeMap<OutboxId, OutboxRow>, arrived: &[Arrived]) {
    for message in arrived {
        if !rows.contains_key(&message.key) {
            trace.violation(format!("{:?} arrived and no row is known for it", message.text));
        }
    }
    for row in rows.values() {
        let count = arrived.iter().filter(|message| message.key == row.id).count();
        let uncertain = row.uncertain as usize;
        let is_right = match (&row.outbound, row.state) {
            // An answer that was put in the place of its preview.
            (Outbound::Edit(edit), OutboxState::Sent) => {
                let reads = arrived
                    .iter()
                    .find(|message| message.external_id == edit.target)
                    .map(|message| message.text.as_str());
                if reads != Some(&edit.text) {
                    trace.violation(format!("the preview of {} reads {reads:?} at last", row.id));
                }
                count == 0
            }
            (_, OutboxState::Sent) => (1..=1 + uncertain).contains(&count),
            (_, OutboxState::Failed) => count <= uncertain,
            (_, OutboxState::Unknown) => count <= 1 + uncertain,
            (_, OutboxState::Pending | OutboxState::Sending) => false,
        };
        if !is_right {
            trace.violation(format!(
                "row {} is {:?}, {uncertain} times uncertain, and arrived {count} times",
                row.id, row.state
            ));
        }
    }
}
