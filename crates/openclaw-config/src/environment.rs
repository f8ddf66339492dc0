use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The process's environment as it was at start: variables, home folder, current folder.
///
/// Captured once by the composition root; tests build their own.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    home: PathBuf,
    current_dir: PathBuf,
}

impl Environment {
    /// From explicit values.
    pub fn new(
        variables: impl IntoIterator<Item = (String, String)>,
        home: impl Into<PathBuf>,
        current_dir: impl Into<PathBuf>,
    ) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            home: home.into(),
            current_dir: current_dir.into(),
        }
    }

    /// From the process; called by the composition root alone. Variables that are not UTF-8 are left out.
    pub fn capture() -> Self {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let home = variables.get("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let current_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Self { variables, home, current_dir }
    }

    /// The value of a variable; `None` where it is unset or empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All variables.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The user's home folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The folder that relative paths on the command line start from.
    pub fn current_dir(&self) -> &Path {
        &self.current_dir
    }

    /// Expands a leading `~/` to the home folder.
    pub fn expand_home(&self, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None if path == "~" => self.home.clone(),
            None => PathBuf::from(path),
        }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values are often secrets.
        f.debug_struct("Environment")
            .field("variables", &self.variables.len())
            .field("home", &self.home)
            .field("current_dir", &self.current_dir)
            .finish()
    }
}
