use openclaw_core::Clock;
use serde_json::json;

use super::difference::Flat;
use super::editor::{hash, read};
use super::{EditError, Editor};
use crate::atomic_file::{
    FolderLock, PRIVATE_FILE, append_line, create_private_folder, mode_of, write_atomically,
};
use crate::paths::StatePaths;
use crate::{Issue, LoadRequest, Loaded, validate_text};

/// What an edit led to.
#[derive(Debug)]
pub struct Committed {
    /// The configuration as it is now.
    pub loaded: Loaded,
    /// What the owner should know about the edit.
    pub warnings: Vec<Issue>,
    /// The keys whose values changed, sorted; empty when nothing was written.
    pub changed_keys: Vec<String>,
}

impl Editor {
    /// Loads the result, then writes it in one step and notes the change in the journal. Fetches
    /// secrets, which may take seconds: not to be called in an async context.
    ///
    /// # Errors
    /// When the result does not load, would lose sections, or the file was changed meanwhile. The
    /// file is then as it was.
    pub fn commit(
        self,
        request: &LoadRequest<'_>,
        author: &str,
        clock: &dyn Clock,
    ) -> Result<Committed, EditError> {
        let after = self.text()?;
        let loaded = validate_text(request, &after).map_err(EditError::Invalid)?;
        let before = self.before.as_deref().unwrap_or_default();
        let changed_keys = match (Flat::of(before), Flat::of(&after)) {
            (Some(old), Some(new)) => {
                let dropped = old.dropped_sections(&new, &self.may_drop);
                if !dropped.is_empty() {
                    return Err(EditError::DropsSections(dropped));
                }
                old.changed_keys(&new)
            }
            // A file that is not TOML has no sections to lose.
            (None, _) | (_, None) => Vec::new(),
        };
        if self.before.as_deref() != Some(after.as_str()) {
            let state = StatePaths::find(request.environment);
            let entry = json!({
                "at": clock.now(),
                "author": author,
                "file": self.path.display().to_string(),
                "keys": changed_keys,
                "before": self.base_hash(),
                "after": hash(&after),
            });
            self.write(&state, &after, &entry.to_string())?;
        }
        Ok(Committed { loaded, warnings: self.warnings, changed_keys })
    }

    fn write(&self, state: &StatePaths, after: &str, entry: &str) -> Result<(), EditError> {
        let io = |action, path: &std::path::Path| {
            let path = path.to_owned();
            move |source| EditError::Io { action, path, source }
        };
        let folder = self.path.parent().unwrap_or(state.root());
        for folder in [folder, state.root()] {
            create_private_folder(folder).map_err(io("make the folder", folder))?;
        }
        let lock = FolderLock::take(folder).map_err(io("lock", folder))?;
        let Some(_lock) = lock else { return Err(EditError::Busy(self.path.clone())) };
        if read(&self.path)? != self.before {
            return Err(EditError::Changed(self.path.clone()));
        }
        // The journal comes first: no change is without an entry.
        let journal = state.config_journal();
        append_line(&journal, entry).map_err(io("write", &journal))?;
        let mode = mode_of(&self.path).unwrap_or(PRIVATE_FILE);
        write_atomically(&self.path, after.as_bytes(), mode).map_err(io("write", &self.path))
    }
}
