//! The inbox and the outbox.

use openclaw_core::{ChannelId, ChatId, Inbound, InboxId, RunStatus, Timestamp};

use super::apply::Effects;
use super::state::State;
use crate::rows::{Backlog, InboxRow, InputState, OutboxRow, OutboxState};
use crate::{Conflict, InputChange, NewInput, NewOutbox, OutboxChange};

fn count_input(backlog: &mut Backlog, state: InputState, count: fn(u64) -> u64) {
    if !state.is_final() {
        backlog.inputs = count(backlog.inputs);
    }
}

fn count_outbox(backlog: &mut Backlog, state: OutboxState, count: fn(u64) -> u64) {
    let field = match state {
        OutboxState::Pending | OutboxState::Sending => &mut backlog.outbox,
        OutboxState::Unknown => &mut backlog.unknown,
        OutboxState::Failed => &mut backlog.failed,
        OutboxState::Sent => return,
    };
    *field = count(*field);
}

fn up(count: u64) -> u64 {
    count + 1
}

fn down(count: u64) -> u64 {
    count.saturating_sub(1)
}

impl State {
    fn lease_until(&self, resource: &str, owner: &str, fence: i64) -> Option<Timestamp> {
        let lease = self.leases.get(&resource.to_owned())?;
        (lease.owner == owner && lease.fence == fence).then_some(lease.lease_until)
    }

    pub(super) fn accept_input(
        &mut self,
        new: &NewInput,
        effects: &mut Effects,
    ) -> Result<(), Conflict> {
        let conversation = &new.inbound.conversation;
        let external = (
            conversation.channel_id.clone(),
            conversation.chat_id.clone(),
            new.inbound.external_id.clone(),
        );
        let stored = |position: &i64| self.inputs.get(position);
        if let Some(row) = self.input_externals.get(&external).and_then(stored) {
            return Err(Conflict::DuplicateInput { run_id: row.run_id.clone() });
        }
        if let Some(row) = self.input_runs.get(&new.run_id).and_then(stored) {
            return Err(Conflict::RunIdTaken {
                run_id: row.run_id.clone(),
                principal: row.principal.clone(),
            });
        }
        if let Some(row) = self.input_ids.get(&new.id).and_then(stored) {
            return Err(Conflict::input_is(&new.id, row.state));
        }
        let position = self.inputs.last_key().map_or(1, |last| last + 1);
        self.input_externals.insert(external, position);
        self.input_runs.insert(new.run_id.clone(), position);
        self.input_ids.insert(new.id.clone(), position);
        self.inputs_of_key.insert((new.session_key.clone(), position), ());
        if !new.state.is_final() {
            self.open_inputs.insert((new.session_key.clone(), position), ());
        }
        count_input(&mut self.backlog, new.state, up);
        self.inputs.insert(position, new.row(position));
        effects.applied.positions.push(position);
        Ok(())
    }

    pub(super) fn change_input(&mut self, change: &InputChange) -> Result<(), Conflict> {
        let (position, old) = self.input_row(&change.id)?;
        if !change.from.contains(&old.state) {
            return Err(Conflict::input_is(&change.id, old.state));
        }
        let mut new = old.clone();
        new.state = change.to;
        new.status = change.status;
        new.ended_at = change.to.is_final().then_some(change.at);
        if change.to == InputState::Running {
            new.attempts += 1;
            new.started_at = new.started_at.or(Some(change.at));
        }
        if let Some((owner, fence)) = &change.owner {
            let resource = format!("lane:{}", new.session_key);
            new.lease_until = self.lease_until(&resource, owner, *fence);
            new.owner = Some(owner.clone());
            new.fence = Some(*fence);
        }
        new.merged_into = change.merged_into.clone().or(new.merged_into);
        new.delivered = change.delivered.or(new.delivered);
        new.reply = change.reply.clone().or(new.reply);
        new.usage = change.usage.or(new.usage);
        new.error = change.error.clone().or(new.error);
        count_input(&mut self.backlog, old.state, down);
        count_input(&mut self.backlog, new.state, up);
        let key = (new.session_key.clone(), position);
        if new.state.is_final() {
            self.open_inputs.remove(&key);
        } else if !self.open_inputs.contains(&key) {
            self.open_inputs.insert(key, ());
        }
        self.inputs.insert(position, new);
        Ok(())
    }

    pub(super) fn replace_input(
        &mut self,
        id: &InboxId,
        inbound: &Inbound,
    ) -> Result<(), Conflict> {
        let (position, mut row) = self.input_row(id)?;
        if row.state != InputState::Waiting {
            return Err(Conflict::input_is(id, row.state));
        }
        let external_id = row.inbound.external_id;
        row.inbound = Inbound { external_id, ..inbound.clone() };
        self.inputs.insert(position, row);
        Ok(())
    }

    fn input_row(&self, id: &InboxId) -> Result<(i64, InboxRow), Conflict> {
        self.input_ids
            .get(id)
            .and_then(|position| Some((*position, self.inputs.get(position)?.clone())))
            .ok_or_else(|| Conflict::missing("input", id))
    }

    pub(super) fn remove_input(&mut self, position: i64) {
        let Some(row) = self.inputs.remove(&position) else { return };
        let conversation = &row.inbound.conversation;
        self.input_externals.remove(&(
            conversation.channel_id.clone(),
            conversation.chat_id.clone(),
            row.inbound.external_id.clone(),
        ));
        self.input_runs.remove(&row.run_id);
        self.input_ids.remove(&row.id);
        self.inputs_of_key.remove(&(row.session_key.clone(), position));
    }

    pub(super) fn enqueue(
        &mut self,
        new: &NewOutbox,
        effects: &mut Effects,
    ) -> Result<(), Conflict> {
        let stored = |position: &i64| self.outbox.get(position);
        if let Some(key) = &new.idempotency_key
            && let Some(row) = self.outbox_keys.get(key).and_then(stored)
        {
            return Err(row.key_taken());
        }
        if let Some(row) = self.outbox_ids.get(&new.id).and_then(stored) {
            return Err(Conflict::outbox_is(&new.id, row.state));
        }
        let position = self.outbox.last_key().map_or(1, |last| last + 1);
        let row = new.row(position);
        self.outbox_ids.insert(row.id.clone(), position);
        if let Some(key) = &row.idempotency_key {
            self.outbox_keys.insert(key.clone(), position);
        }
        if let Some(run) = &row.run_id {
            self.outbox_runs.insert((run.clone(), position), ());
        }
        if let Some(session) = &row.session_id {
            self.outbox_sessions.insert((session.clone(), position), ());
        }
        if !row.state.is_final() {
            self.open_outbox.insert((row.channel_id.clone(), row.chat.clone(), position), ());
            effects.report.outbox_due();
        }
        count_outbox(&mut self.backlog, row.state, up);
        self.outbox.insert(position, row);
        effects.applied.positions.push(position);
        Ok(())
    }

    pub(super) fn change_outbox(
        &mut self,
        change: &OutboxChange,
        effects: &mut Effects,
    ) -> Result<(), Conflict> {
        let old = self
            .outbox_ids
            .get(&change.id)
            .and_then(|position| self.outbox.get(position))
            .ok_or_else(|| Conflict::missing("outbox", &change.id))?
            .clone();
        if !change.from.contains(&old.state) {
            return Err(Conflict::outbox_is(&change.id, old.state));
        }
        let mut new = old.clone();
        new.state = change.to;
        new.updated_at = change.at;
        new.attempts += u32::from(change.to == OutboxState::Sending);
        new.uncertain += u32::from(change.uncertain);
        if let Some((owner, fence)) = &change.owner {
            let resource = format!("account:{}", new.channel_id);
            new.lease_until = self.lease_until(&resource, owner, *fence);
            new.owner = Some(owner.clone());
            new.fence = Some(*fence);
        }
        new.outbound = change.outbound.clone().unwrap_or(new.outbound);
        new.next_attempt_at = change.next_attempt_at.unwrap_or(new.next_attempt_at);
        new.receipt = change.receipt.clone().or(new.receipt);
        new.error = change.error.clone().or(new.error);
        count_outbox(&mut self.backlog, old.state, down);
        count_outbox(&mut self.backlog, new.state, up);
        self.backlog.resent += u64::from(change.uncertain);
        let key = (new.channel_id.clone(), new.chat.clone(), new.position);
        if new.state.is_final() {
            self.open_outbox.remove(&key);
        } else if !self.open_outbox.contains(&key) {
            self.open_outbox.insert(key, ());
        }
        if new.state == OutboxState::Pending {
            effects.report.outbox_due();
        }
        self.outbox.insert(new.position, new);
        Ok(())
    }

    pub(super) fn migrate_chat(
        &mut self,
        channel: &ChannelId,
        from: &ChatId,
        to: &ChatId,
        effects: &mut Effects,
    ) {
        let moved: Vec<OutboxRow> = self
            .open_outbox
            .iter()
            .filter(|((at, chat, _), ())| at == channel && chat.chat_id == *from)
            .filter_map(|((_, _, position), ())| self.outbox.get(position))
            .cloned()
            .collect();
        for mut row in moved {
            self.open_outbox.remove(&(row.channel_id.clone(), row.chat.clone(), row.position));
            row.chat.chat_id = to.clone();
            row.outbound.chat_mut().chat_id = to.clone();
            self.open_outbox.insert((row.channel_id.clone(), row.chat.clone(), row.position), ());
            self.outbox.insert(row.position, row);
            effects.report.outbox_due();
        }
    }

    pub(super) fn remove_outbox(&mut self, row: &OutboxRow) {
        self.outbox.remove(&row.position);
        self.outbox_ids.remove(&row.id);
        if let Some(key) = &row.idempotency_key {
            self.outbox_keys.remove(key);
        }
        if let Some(run) = &row.run_id {
            self.outbox_runs.remove(&(run.clone(), row.position));
        }
        if let Some(session) = &row.session_id {
            self.outbox_sessions.remove(&(session.clone(), row.position));
        }
        count_outbox(&mut self.backlog, row.state, down);
        self.backlog.resent = self.backlog.resent.saturating_sub(u64::from(row.uncertain));
    }
}

impl NewInput {
    fn row(&self, position: i64) -> InboxRow {
        InboxRow {
            id: self.id.clone(),
            position,
            run_id: self.run_id.clone(),
            principal: self.principal.clone(),
            session_id: self.session_id.clone(),
            session_key: self.session_key.clone(),
            message_id: self.message_id.clone(),
            inbound: self.inbound.clone(),
            options: self.options.clone(),
            reply_back: self.reply_back,
            state: self.state,
            status: self.first_status(),
            merged_into: self.merged_into.clone(),
            delivered: None,
            reply: None,
            usage: None,
            error: self.error.clone(),
            attempts: u32::from(self.state == InputState::Running),
            owner: None,
            lease_until: None,
            fence: None,
            created_at: self.at,
            started_at: (self.state == InputState::Running).then_some(self.at),
            ended_at: self.state.is_final().then_some(self.at),
        }
    }

    /// The run's status that follows from the state it is born in.
    pub(crate) fn first_status(&self) -> RunStatus {
        match self.state {
            InputState::Waiting => RunStatus::Accepted,
            InputState::Running => RunStatus::Running,
            InputState::Answered => RunStatus::Done,
            InputState::Merged => RunStatus::Merged,
            InputState::Refused | InputState::Failed => RunStatus::Error,
        }
    }
}

impl NewOutbox {
    fn row(&self, position: i64) -> OutboxRow {
        OutboxRow {
            id: self.id.clone(),
            position,
            channel_id: self.channel_id.clone(),
            chat: self.outbound.chat().clone(),
            session_id: self.session_id.clone(),
            session_key: self.session_key.clone(),
            run_id: self.run_id.clone(),
            message_id: self.message_id.clone(),
            kind: self.kind,
            chunk: self.chunk,
            outbound: self.outbound.clone(),
            state: self.state,
            attempts: 0,
            uncertain: 0,
            next_attempt_at: self.at,
            receipt: None,
            error: None,
            principal: self.principal.clone(),
            idempotency_key: self.idempotency_key.clone(),
            owner: None,
            lease_until: None,
            fence: None,
            created_at: self.at,
            updated_at: self.at,
        }
    }
}

impl OutboxRow {
    fn key_taken(&self) -> Conflict {
        Conflict::key_taken(self.message_id.clone(), &self.id, self.principal.clone())
    }
}
