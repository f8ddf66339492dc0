use std::io;

use crate::atomic_file::{PRIVATE_FILE, write_atomically};
use crate::load::{LoadRequest, Loaded, LoadedSource, load_text};
use crate::paths::{MainFile, StatePaths};
use crate::show::to_toml;
use crate::{ConfigErrors, Issue};

impl Loaded {
    /// Keeps this configuration as the last good one: one file, as the owner wrote it, with nothing
    /// expanded and no secret fetched.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn save_last_good(&self) -> io::Result<()> {
        let text = match &self.source {
            LoadedSource::Text(text) => text.clone(),
            LoadedSource::Merged(table) => to_toml(&table_json(table)),
        };
        let path = StatePaths::new(&self.config.state_dir).last_good();
        match std::fs::read(&path) {
            Ok(existing) if existing == text.as_bytes() => Ok(()),
            _ => write_atomically(&path, text.as_bytes(), PRIVATE_FILE),
        }
    }
}

fn table_json(table: &crate::SpannedTable) -> serde_json::Value {
    crate::SpannedValue::Table(table.clone()).to_json()
}

/// Loads the copy of the last configuration that the gateway ran with. Relative paths in it start
/// from the folder of the main file.
///
/// # Errors
/// When there is none, or it does not load any more.
pub fn load_last_good(request: &LoadRequest<'_>) -> Result<Loaded, ConfigErrors> {
    let state = StatePaths::find(request.environment);
    let path = state.last_good();
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let message = format!("{} cannot be read: {error}", path.display());
        ConfigErrors(vec![Issue::new(None, "", message)])
    })?;
    let main = MainFile {
        display: "openclaw.last-good.toml".to_owned(),
        ..MainFile::find(request.environment, &state)
    };
    load_text(request, &main, Some(text))
}
