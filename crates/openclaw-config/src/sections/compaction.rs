use super::level::Level;
use crate::TableReader;

/// `[agents.compaction]`, of all agents or of one; `None` is not set.
#[derive(Default)]
pub(crate) struct CompactionFields {
    pub(crate) enabled: Option<bool>,
    pub(crate) model: Option<String>,
    pub(crate) instructions: Option<String>,
}

pub(super) fn read_compaction(reader: &mut TableReader<'_>, level: Level) -> CompactionFields {
    let enabled = reader.boolean("enabled", "Whether the older part of a conversation that fills its window is summarised; else it is left out.");
    CompactionFields {
        enabled: level.of(enabled, true),
        model: reader
            .string("model", "provider/model that writes summaries; without it the session's own model and its fallbacks.")
            .optional(),
        instructions: reader
            .string("instructions", "What summaries must hold or leave out.")
            .optional(),
    }
}
