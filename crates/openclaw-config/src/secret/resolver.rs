use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openclaw_core::Secret;

use super::{SecretReference, SecretSource, SystemSecrets, parse_reference};
use crate::{Environment, Issue, SpannedTable};

/// What reading one configuration needs and finds besides its values: where secrets come from, the
/// secrets fetched so far, warnings. Shared by all readers of one load; each secret is fetched once.
#[derive(Clone)]
pub struct ReadContext(Arc<Inner>);

struct Inner {
    environment: Environment,
    folder: PathBuf,
    source: Arc<dyn SecretSource>,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    by_reference: BTreeMap<SecretReference, Result<Secret, String>>,
    by_key: BTreeMap<String, Secret>,
    files: BTreeSet<PathBuf>,
    warnings: Vec<Issue>,
    effective: BTreeMap<String, serde_json::Value>,
}

impl ReadContext {
    /// A path of the configuration: `~/` is the home folder, a relative one starts from the folder of
    /// the main file.
    pub fn absolute(&self, path: &str) -> PathBuf {
        self.0.folder.join(self.0.environment.expand_home(path))
    }

    /// Relative paths start from `folder`.
    pub fn new(environment: Environment, folder: &Path, source: Arc<dyn SecretSource>) -> Self {
        let found = Mutex::default();
        Self(Arc::new(Inner { environment, folder: folder.to_owned(), source, found }))
    }

    /// Secrets come from the machine.
    pub fn system(environment: Environment, folder: &Path) -> Self {
        let source = Arc::new(SystemSecrets::new(environment.clone()));
        Self::new(environment, folder, source)
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches the secret that `{ env | file | exec | keyring = … }` refers to.
    pub(crate) fn resolve(&self, key: &str, table: &SpannedTable) -> Result<Secret, String> {
        let reference = parse_reference(table, &self.0.folder, &self.0.environment)?;
        self.fetch(key, table.place.clone(), reference)
    }

    /// Reads the secret from the file that `<key>_file` names.
    pub(crate) fn resolve_file(
        &self,
        key: &str,
        place: Option<crate::Place>,
        path: &str,
    ) -> Result<Secret, String> {
        let path = self.0.folder.join(self.0.environment.expand_home(path));
        self.fetch(key, place, SecretReference::File(path))
    }

    fn fetch(
        &self,
        key: &str,
        place: Option<crate::Place>,
        reference: SecretReference,
    ) -> Result<Secret, String> {
        let known = self.found().by_reference.get(&reference).cloned();
        let result = match known {
            Some(result) => result,
            None => {
                if let SecretReference::File(path) = &reference {
                    self.found().files.insert(path.clone());
                }
                let fetched = self.0.source.fetch(&reference);
                let result = fetched.map_err(|error| error.to_string()).map(|fetched| {
                    if let Some(warning) = fetched.warning {
                        self.warn(Issue::new(place, key, warning));
                    }
                    fetched.secret
                });
                self.found().by_reference.insert(reference, result.clone());
                result
            }
        };
        if let Ok(secret) = &result {
            self.note_secret(key, secret);
        }
        result
    }

    /// Marks a key as holding a secret.
    pub(crate) fn note_secret(&self, key: &str, secret: &Secret) {
        self.found().by_key.insert(key.to_owned(), secret.clone());
    }

    pub(crate) fn is_secret(&self, key: &str) -> bool {
        self.found().by_key.contains_key(key)
    }

    /// The secrets at and below a key.
    pub(crate) fn secrets_below(&self, key: &str) -> BTreeMap<String, Secret> {
        let found = self.found();
        let below = found.by_key.iter().filter(|(name, _)| {
            name.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        below.map(|(name, secret)| (name.clone(), secret.clone())).collect()
    }

    pub(crate) fn warn(&self, warning: Issue) {
        let mut found = self.found();
        if !found.warnings.contains(&warning) {
            found.warnings.push(warning);
        }
    }

    pub(crate) fn warnings(&self) -> Vec<Issue> {
        self.found().warnings.clone()
    }

    pub(crate) fn secret_files(&self) -> Vec<PathBuf> {
        self.found().files.iter().cloned().collect()
    }

    pub(crate) fn note_effective(&self, key: &str, value: serde_json::Value) {
        self.found().effective.insert(key.to_owned(), value);
    }

    pub(crate) fn effective(&self, key: &str) -> Option<serde_json::Value> {
        self.found().effective.get(key).cloned()
    }
}

impl fmt::Debug for ReadContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadContext").field("folder", &self.0.folder).finish_non_exhaustive()
    }
}
