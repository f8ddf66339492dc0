use openclaw_core::Secret;

use crate::{RetentionSettings, Spanned, TableReader};

/// The engine that keeps everything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
    Memory,
}

const ENGINES: [(&str, Engine); 3] =
    [("sqlite", Engine::Sqlite), ("postgres", Engine::Postgres), ("memory", Engine::Memory)];

/// `[storage]`.
pub(crate) struct StorageSection {
    pub(crate) engine: EngineSection,
    pub(crate) retention: RetentionSettings,
}

/// The engine with what belongs to it.
pub(crate) enum EngineSection {
    Sqlite { path: Option<Spanned<String>> },
    Postgres { url: Secret, max_connections: u32 },
    Memory,
}

pub(super) fn read_storage(reader: &mut TableReader<'_>) -> StorageSection {
    let engine = reader
        .choice(
            "backend",
            "sqlite: one file; postgres: a server; memory: nothing is kept beyond the process.",
            &ENGINES,
        )
        .default("sqlite");
    let path = reader
        .string("path", "The file of sqlite; without it openclaw.db in the state folder.")
        .spanned()
        .optional();
    let url_help = "The server of postgres, postgres://user:password@host:port/database.";
    let url = match engine {
        Engine::Postgres => reader.required_secret("url", url_help),
        Engine::Sqlite | Engine::Memory => reader.secret("url", url_help),
    };
    let max_connections = reader
        .integer("max_connections", "The most connections to postgres at once.", 2..=500)
        .optional();
    if engine != Engine::Sqlite && path.is_some() {
        reader.issue("path", "belongs to backend = \"sqlite\"");
    }
    if engine != Engine::Postgres && url.is_some() {
        reader.issue("url", "belongs to backend = \"postgres\"");
    }
    if engine != Engine::Postgres && max_connections.is_some() {
        reader.issue("max_connections", "belongs to backend = \"postgres\"");
    }
    let retention = reader.table(
        "retention",
        "How long sessions are kept in which nothing happens any more; they go as a whole.",
        |reader| RetentionSettings {
            max_age_days: reader
                .integer("max_age_days", "Days since the last activity; 0 keeps all.", 0..=36_500)
                .default(0),
            max_size_mb: reader
                .integer(
                    "max_size_mb",
                    "Megabytes of all sessions together; beyond it the longest quiet go; 0 keeps all.",
                    0..=100_000_000,
                )
                .default(0),
        },
    );
    let engine = match engine {
        Engine::Sqlite => EngineSection::Sqlite { path },
        Engine::Memory => EngineSection::Memory,
        // A missing address is an issue already, which ends the loading.
        Engine::Postgres => EngineSection::Postgres {
            url: url.unwrap_or_default(),
            max_connections: max_connections.unwrap_or(8),
        },
    };
    StorageSection { engine, retention }
}
