use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use openclaw_config::{
    Config, ConfigWatcher, EditError, Editor, Environment, LoadRequest, Loaded, Overrides,
    config_file, load, schema,
};
use openclaw_core::SystemClock;
use openclaw_errors::OpenClawError;
use openclaw_gateway::lifecycle::ConfigSource;
use serde_json::Value;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Channels;

/// The configuration in its files, with this process's environment and flags over it.
#[derive(Debug)]
pub(crate) struct FileConfigSource {
    environment: Environment,
    flags: Overrides,
    channels: Channels,
    /// What loaded last; in force once the gateway swapped to it.
    loaded: Mutex<Loaded>,
}

impl FileConfigSource {
    pub(crate) fn new(
        environment: Environment,
        flags: Overrides,
        channels: Channels,
        loaded: Loaded,
    ) -> Self {
        Self { environment, flags, channels, loaded: Mutex::new(loaded) }
    }

    /// Watches the files of what loaded last.
    pub(crate) fn watch(&self, tasks: &TaskTracker, stop: CancellationToken) -> ConfigWatcher {
        ConfigWatcher::start(&self.loaded(), tasks, stop)
    }

    /// Makes a watcher follow the files of what loaded last.
    pub(crate) fn follow(&self, watcher: &ConfigWatcher) {
        watcher.follow(&self.loaded());
    }

    fn loaded(&self) -> Loaded {
        self.loaded.lock().expect("no panic while the configuration is held").clone()
    }

    fn put(&self, loaded: Loaded) {
        *self.loaded.lock().expect("no panic while the configuration is held") = loaded;
    }

    /// Writes changes to the file, all or none.
    async fn write(
        &self,
        changes: &[(String, Option<Value>)],
        author: &str,
        asked: Asked,
    ) -> Result<PathBuf, OpenClawError> {
        let (environment, flags, channels) =
            (self.environment.clone(), self.flags, self.channels.clone());
        let literal = |(key, value): &(String, Option<Value>)| {
            Ok((key.clone(), value.as_ref().map(to_toml).transpose()?))
        };
        let changes = changes.iter().map(literal).collect::<Result<Vec<_>, OpenClawError>>()?;
        let author = author.to_owned();
        let work = spawn_blocking(move || {
            let mut editor = Editor::open(&environment)?;
            for (key, value) in &changes {
                match (value, asked) {
                    (Some(value), _) => editor.set(key, value)?,
                    (None, Asked::Key) => editor.unset(key)?,
                    (None, Asked::Differences) => match editor.unset(key) {
                        Ok(()) | Err(EditError::NotSet { .. }) => {}
                        Err(error) => return Err(error),
                    },
                }
                if matches!(asked, Asked::Differences) {
                    editor.allow_dropping(key);
                }
            }
            let request = LoadRequest::new(&environment, &channels).with_flags(flags);
            editor.commit(&request, &author, &SystemClock)?;
            Ok::<_, EditError>(config_file(&environment))
        });
        match work.await {
            Ok(outcome) => Ok(outcome?),
            Err(error) => {
                Err(OpenClawError::internal("writing the configuration failed").with_source(error))
            }
        }
    }
}

/// What an edit goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// One key, named by who wants it changed.
    Key,
    /// What differs from the configuration in force. A key to remove may be a default, which stands in
    /// no file; a list that gets shorter was seen whole.
    Differences,
}

#[async_trait]
impl ConfigSource for FileConfigSource {
    async fn load(&self) -> Result<Arc<Config>, Vec<String>> {
        let (environment, flags, channels) =
            (self.environment.clone(), self.flags, self.channels.clone());
        // Secrets may come from programs and a keyring, which block.
        let work = spawn_blocking(move || {
            load(&LoadRequest::new(&environment, &channels).with_flags(flags))
        });
        match work.await {
            Ok(Ok(loaded)) => {
                for warning in &loaded.warnings {
                    tracing::warn!(%warning, "configuration: {warning}");
                }
                let config = loaded.config.clone();
                self.put(loaded);
                Ok(config)
            }
            Ok(Err(errors)) => Err(errors.to_string().lines().map(str::to_owned).collect()),
            Err(error) => Err(vec![format!("reading the configuration failed: {error}")]),
        }
    }

    async fn keep(&self) {
        let loaded = self.loaded();
        let saved = spawn_blocking(move || loaded.save_last_good()).await;
        match saved {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the last good configuration could not be kept")
            }
            Err(error) => tracing::warn!(%error, "the last good configuration could not be kept"),
        }
    }

    fn get(&self, key: Option<&str>) -> Result<Value, OpenClawError> {
        let loaded = self.loaded();
        let Some(key) = key else { return Ok(loaded.effective().clone()) };
        let value = loaded
            .get(key)
            .map_err(|error| OpenClawError::invalid_params("key", error.to_string()))?;
        value.cloned().ok_or_else(|| {
            OpenClawError::not_found(format!("{key} has no value")).with_field("key")
        })
    }

    async fn set(
        &self,
        key: &str,
        value: Option<&Value>,
        author: &str,
    ) -> Result<PathBuf, OpenClawError> {
        self.write(&[(key.to_owned(), value.cloned())], author, Asked::Key).await
    }

    async fn change(
        &self,
        changes: &[(String, Option<Value>)],
        author: &str,
    ) -> Result<PathBuf, OpenClawError> {
        self.write(changes, author, Asked::Differences).await
    }

    fn schema(&self) -> Value {
        schema(&self.channels)
    }
}

/// A JSON value as a TOML literal.
fn to_toml(value: &Value) -> Result<String, OpenClawError> {
    Ok(match value {
        Value::Null => return Err(OpenClawError::invalid_params("value", "TOML has no null")),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => toml_edit::Value::from(text.as_str()).to_string(),
        Value::Array(items) => {
            let items = items.iter().map(to_toml).collect::<Result<Vec<_>, _>>()?;
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| {
                    Ok(format!("{} = {}", toml_edit::Key::new(key), to_toml(value)?))
                })
                .collect::<Result<Vec<_>, OpenClawError>>()?;
            format!("{{ {} }}", entries.join(", "))
        }
    })
}
