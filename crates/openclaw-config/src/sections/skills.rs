use std::collections::BTreeMap;

use crate::{Spanned, SpannedValue, TableReader};

/// `[skills]`, its paths as they are written.
pub(crate) struct SkillsSection {
    pub(crate) extra_dirs: Vec<Spanned<String>>,
    pub(crate) entries: BTreeMap<String, bool>,
}

pub(super) fn read_skills(reader: &mut TableReader<'_>) -> SkillsSection {
    let extra_dirs = reader.table("load", "Where skills are found.", |reader| {
        reader
            .spanned_strings("extra_dirs", "Folders of skills besides the agent's workspace and the state folder; theirs go last.")
            .default(SpannedValue::Array(Vec::new()))
    });
    let entries = reader.map("entries", "Single skills, by name.", |_, reader| {
        reader.boolean("enabled", "Whether the skill is offered.").default(true)
    });
    SkillsSection { extra_dirs, entries: entries.into_iter().collect() }
}
