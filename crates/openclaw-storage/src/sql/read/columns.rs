//! The columns of each noun, in the order in which `decode` reads them.

macro_rules! session {
    () => {
        "id, session_key, agent_id, channel_id, user_id, chat_id, label, config, state, context, \
         last_seq, created_at, updated_at, last_activity_at, ended_at"
    };
}

macro_rules! message {
    () => {
        "id, session_id, seq, channel_id, chat_id, thread_id, direction, content, metadata, \
         reply_to, external_id, run_id, created_at, edited_at"
    };
}

/// Those of a message where `m` names its table.
macro_rules! message_of_m {
    () => {
        "m.id, m.session_id, m.seq, m.channel_id, m.chat_id, m.thread_id, m.direction, m.content, \
         m.metadata, m.reply_to, m.external_id, m.run_id, m.created_at, m.edited_at"
    };
}

macro_rules! input {
    () => {
        "id, position, run_id, principal, session_id, session_key, message_id, inbound, options, \
         reply_back, state, status, merged_into, delivered, reply, usage, error, attempts, owner, \
         lease_until, fence, created_at, started_at, ended_at"
    };
}

macro_rules! outbox {
    () => {
        "id, position, channel_id, chat_id, thread_id, session_id, session_key, run_id, \
         message_id, kind, chunk, outbound, state, attempts, uncertain, next_attempt_at, receipt, \
         error, principal, idempotency_key, owner, lease_until, fence, created_at, updated_at"
    };
}

macro_rules! pairing {
    () => {
        "channel_id, user_id, display_name, code, expires_at, approved_at, is_owner, denied, \
         created_at"
    };
}

pub(crate) use {input, message, message_of_m, outbox, pairing, session};
