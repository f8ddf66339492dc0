use crate::{Spanned, TableReader};

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
pub(crate) enum StorageSection {
    Sqlite { path: Option<Spanned<String>> },
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
    let url = reader.secret("url", "The server of postgres, postgres://….");
    if engine != Engine::Sqlite && path.is_some() {
        reader.issue("path", "belongs to backend = \"sqlite\"");
    }
    if engine != Engine::Postgres && url.is_some() {
        reader.issue("url", "belongs to backend = \"postgres\"");
    }
    match engine {
        Engine::Sqlite => StorageSection::Sqlite { path },
        Engine::Memory => StorageSection::Memory,
        Engine::Postgres => {
            reader.issue_with_hint(
                "backend",
                "this build has no postgres",
                "use \"sqlite\" or \"memory\"",
            );
            StorageSection::Memory
        }
    }
}
