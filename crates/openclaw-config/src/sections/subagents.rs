use std::time::Duration;

use crate::{SpannedValue, SubagentSettings, TableReader};

pub(super) fn read_subagents(reader: &mut TableReader<'_>) -> SubagentSettings {
    let archive_minutes: u64 = reader
        .integer("archive_after_minutes", "Minutes after its last message after which the session of a subagent ends; 0 is never.", 0..=525_600)
        .default(60);
    SubagentSettings {
        max_depth: reader
            .integer("max_depth", "How deep subagents may have subagents of their own; 0 is no subagents at all.", 0..=5)
            .default(1),
        max_running: reader
            .integer("max_running", "The most subagents that work or wait at a time.", 1..=64)
            .default(8),
        max_children: reader
            .integer("max_children", "The most of them of one session.", 1..=64)
            .default(5),
        allow_agents: reader
            .strings("allow_agents", "Agents that other agents may begin as subagents; \"*\" is all of them. Each may begin its own.")
            .default(SpannedValue::Array(Vec::new())),
        model: reader
            .string("model", "provider/model of subagents; without it, that of their agent.")
            .optional(),
        archive_after: Duration::from_secs(archive_minutes * 60),
    }
}
