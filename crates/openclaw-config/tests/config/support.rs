use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use openclaw_config::{
    ChannelParser, ChannelTable, ConfigErrors, Environment, Issue, LoadRequest, Loaded, Overrides,
    TableReader, describe, load,
};

/// A home folder with a state folder `.openclaw-rs` in it.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home =
            Self { folder: tempfile::tempdir().expect("folder"), variables: BTreeMap::new() };
        std::fs::create_dir(home.state()).expect("state folder");
        home
    }

    pub(crate) fn with(text: &str) -> Self {
        let home = Self::new();
        home.write("openclaw.toml", text);
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path().join(".openclaw-rs")
    }

    /// Writes a file below the state folder, readable by its owner only.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.state().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(&path, text).expect("written");
        set_mode(&path, 0o600);
        path
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn environment(&self) -> Environment {
        let path = ("PATH".to_owned(), "/usr/bin:/bin".to_owned());
        Environment::new(self.variables.clone().into_iter().chain([path]), self.path(), self.path())
    }

    pub(crate) fn load(&self) -> Result<Loaded, ConfigErrors> {
        self.load_with(Overrides::default())
    }

    pub(crate) fn load_with(&self, flags: Overrides) -> Result<Loaded, ConfigErrors> {
        load(&LoadRequest::new(&self.environment(), &Channels).with_flags(flags))
    }

    /// The text of what is wrong, with the home folder as `~`.
    pub(crate) fn errors(&self) -> String {
        match self.load() {
            Ok(_) => "loads".to_owned(),
            Err(errors) => self.shown(&errors.to_string()),
        }
    }

    pub(crate) fn warnings(&self) -> String {
        let loaded = self.load().expect("loads");
        let lines: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        self.shown(&lines.join("\n"))
    }

    pub(crate) fn shown(&self, text: &str) -> String {
        text.replace(&self.path().display().to_string(), "~")
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("mode");
}

/// Two kinds of channels with the keys that channels usually have.
pub(crate) struct Channels;

#[derive(Debug, PartialEq)]
pub(crate) struct ChatSettings {
    pub(crate) token: Option<openclaw_core::Secret>,
    pub(crate) open: bool,
    pub(crate) allow_from: Vec<String>,
    pub(crate) groups: Vec<(String, Option<bool>)>,
    pub(crate) accounts: usize,
}

pub(crate) fn read_chat(reader: &mut TableReader<'_>) -> ChatSettings {
    let settings = read_account(reader);
    let accounts = reader.map("accounts", "Further accounts.", |_, reader| read_account(reader));
    ChatSettings { accounts: accounts.len(), ..settings }
}

fn read_account(reader: &mut TableReader<'_>) -> ChatSettings {
    reader.boolean("enabled", "Whether the channel runs.").default(true);
    let token = reader.required_secret("token", "The bot's token.");
    let open = reader
        .choice("dm_policy", "Who may write.", &[("open", true), ("pairing", false)])
        .default("pairing");
    let allow_from = reader.ids("allow_from", "Who may write.").optional().unwrap_or_default();
    let groups = reader.map("groups", "Groups by id.", |_, reader| {
        reader.boolean("require_mention", "Whether the assistant must be addressed.").optional()
    });
    let groups = groups.into_iter().collect();
    ChatSettings { token, open, allow_from, groups, accounts: 0 }
}

impl ChannelParser for Channels {
    fn kinds(&self) -> Vec<String> {
        vec!["telegram".to_owned(), "slack".to_owned()]
    }

    fn schema(&self, _: &str) -> Option<serde_json::Value> {
        Some(describe(read_chat))
    }

    fn check(&self, table: &ChannelTable) -> Vec<Issue> {
        table.read(read_chat).err().unwrap_or_default()
    }

    fn missing_feature(&self, kind: &str) -> Option<String> {
        (kind == "matrix").then(|| "matrix".to_owned())
    }
}
