//! The tables that hold what people and gateways stored, in an order in which they can be filled.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Text(&'static str),
    Integer(&'static str),
    Bytes(&'static str),
}

impl Column {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text(name) | Self::Integer(name) | Self::Bytes(name) => name,
        }
    }
}

/// A table: its columns, and the order its rows are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) order: &'static str,
    /// Which of its rows an archive holds, where not all.
    pub(crate) only: Option<&'static str>,
}

/// The keys that sign access tokens stay where they were made: whoever reads a copy could sign with
/// them, and a restored copy would bring back those that were revoked since.
pub(crate) const FORGET_SIGNING_KEYS: &str = "DELETE FROM config WHERE key = 'auth.signing_keys'";

impl Table {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// The names of its columns with commas between them.
    pub(crate) fn names(&self) -> String {
        self.columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(", ")
    }

    /// The statement that reads what an archive holds of it.
    pub(crate) fn select(&self) -> String {
        let only = self.only.map(|only| format!(" WHERE {only}")).unwrap_or_default();
        format!("SELECT {} FROM {}{only} ORDER BY {}", self.names(), self.name, self.order)
    }
}

macro_rules! columns {
    ($($kind:ident $name:literal),* $(,)?) => { &[$(Column::$kind($name)),*] };
}

pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "sessions",
        columns: columns![
            Text "id", Text "session_key", Text "agent_id", Text "channel_id", Text "user_id",
            Text "chat_id", Text "label", Text "config", Text "state", Text "context",
            Integer "last_seq", Integer "created_at", Integer "updated_at",
            Integer "last_activity_at", Integer "ended_at", Text "folded_ids", Text "folded_label",
        ],
        order: "created_at, id",
        only: None,
    },
    Table {
        name: "messages",
        columns: columns![
            Integer "position", Text "id", Text "session_id", Integer "seq", Text "channel_id",
            Text "chat_id", Text "thread_id", Text "user_id", Text "direction", Text "content",
            Text "metadata", Text "reply_to", Text "external_id", Text "run_id",
            Integer "created_at", Integer "edited_at",
        ],
        order: "position",
        only: None,
    },
    Table {
        name: "transcript",
        columns: columns![
            Text "session_id", Integer "seq", Text "run_id", Text "kind", Text "message_id",
            Text "data",
        ],
        order: "session_id, seq",
        only: None,
    },
    Table {
        name: "events",
        columns: columns![
            Text "session_id", Integer "seq", Text "topic", Text "run_id", Text "ref", Text "data",
        ],
        order: "session_id, seq",
        only: None,
    },
    Table {
        name: "inbox",
        columns: columns![
            Integer "position", Text "id", Text "run_id", Text "principal", Text "session_id",
            Text "session_key", Text "message_id", Text "channel_id", Text "chat_id",
            Text "external_id", Text "inbound", Text "options", Integer "reply_back", Text "state",
            Text "status", Text "merged_into", Integer "delivered", Text "reply", Text "usage",
            Text "error", Integer "attempts", Text "owner", Integer "lease_until", Integer "fence",
            Integer "created_at", Integer "started_at", Integer "ended_at",
        ],
        order: "position",
        only: None,
    },
    Table {
        name: "outbox",
        columns: columns![
            Integer "position", Text "id", Text "channel_id", Text "chat_id", Text "thread_id",
            Text "session_id", Text "session_key", Text "run_id", Text "message_id", Text "kind",
            Integer "chunk", Text "outbound", Text "state", Integer "attempts",
            Integer "uncertain", Integer "next_attempt_at", Text "receipt", Text "error",
            Text "principal", Text "idempotency_key", Text "owner", Integer "lease_until",
            Integer "fence", Integer "created_at", Integer "updated_at",
        ],
        order: "position",
        only: None,
    },
    Table {
        name: "users",
        columns: columns![
            Text "channel_id", Text "channel_user_id", Text "global_user_id", Text "display_name",
            Text "metadata", Integer "created_at",
        ],
        order: "channel_id, channel_user_id",
        only: None,
    },
    Table {
        name: "config",
        columns: columns![Text "key", Text "value", Integer "updated_at"],
        order: "key",
        only: Some("key <> 'auth.signing_keys'"),
    },
    Table {
        name: "pairings",
        columns: columns![
            Text "channel_id", Text "user_id", Text "display_name", Text "code",
            Integer "expires_at", Integer "approved_at", Integer "is_owner", Integer "denied",
            Integer "created_at",
        ],
        order: "channel_id, user_id",
        only: None,
    },
    Table {
        name: "leases",
        columns: columns![
            Text "resource", Text "owner", Integer "lease_until", Integer "fence",
        ],
        order: "resource",
        only: None,
    },
    Table {
        name: "jobs",
        columns: columns![
            Text "id", Text "agent_id", Text "kind", Text "data", Text "state", Integer "due_at",
            Text "owner", Integer "lease_until", Integer "fence", Integer "created_at",
            Integer "updated_at",
        ],
        order: "id",
        only: None,
    },
    Table {
        name: "job_runs",
        columns: columns![
            Text "job_id", Integer "slot", Text "run_id", Text "session_key", Text "session_id",
            Text "status", Text "data", Text "owner", Integer "started_at", Integer "finished_at",
        ],
        order: "job_id, slot",
        only: None,
    },
    Table {
        name: "channel_accounts",
        columns: columns![
            Text "channel_id", Text "data", Text "owner", Integer "lease_until", Integer "fence",
            Integer "updated_at",
        ],
        order: "channel_id",
        only: None,
    },
    Table {
        name: "memory_files",
        columns: columns![
            Text "agent_id", Text "source", Text "path", Text "hash", Integer "modified_at",
            Integer "size", Integer "indexed_at",
        ],
        order: "agent_id, source, path",
        only: None,
    },
    Table {
        name: "memory_chunks",
        columns: columns![
            Integer "position", Text "agent_id", Text "source", Text "path", Integer "ordinal",
            Integer "start_line", Integer "end_line", Text "hash", Text "text", Text "words",
            Integer "said_at",
        ],
        order: "position",
        only: None,
    },
    Table {
        name: "memory_vectors",
        columns: columns![
            Integer "position", Text "agent_id", Text "model", Text "hash", Bytes "embedding",
        ],
        order: "position",
        only: None,
    },
];
