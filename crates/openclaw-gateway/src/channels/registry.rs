use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use openclaw_channel_traits::{
    AccessPolicy, Channel, ChannelAccount, ChannelDescriptor, ChannelFactory, ChannelState,
    ChannelTable, Environment, Found, Ingress, Issue, Lookup, ParsedChannel,
};
use openclaw_config::{Config, ReadContext};
use openclaw_core::{ChannelId, ChannelKind, Clock, IdGen, Rng};
use openclaw_errors::OpenClawError;
use openclaw_media::MediaStore;
use openclaw_storage::{Batch, Fence, Storage, Write};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::entry::{Entry, Runtime};
use super::status::ChannelStatus;
use super::supervisor::{SupervisorDeps, supervise};

/// How long a channel may take to prove that it works when asked.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// A kind with its validated accounts.
pub type ParsedKind = (Arc<dyn ChannelFactory>, ParsedChannel);

/// What the registry is made of.
#[derive(Debug)]
pub struct RegistryDeps {
    /// One factory per kind that this program has.
    pub factories: Vec<Arc<dyn ChannelFactory>>,
    /// The store, for leases and what the owner disconnected.
    pub storage: Arc<dyn Storage>,
    /// The store for attachments.
    pub media: Arc<MediaStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdGen>,
    /// Randomness for jitter.
    pub rng: Arc<dyn Rng>,
    /// The gateway's id.
    pub owner: String,
}

/// All channel accounts of this gateway, and their one supervisor.
#[derive(Debug)]
pub struct ChannelRegistry {
    deps: RegistryDeps,
    ingress: OnceLock<IngressHandle>,
    entries: Mutex<BTreeMap<ChannelId, Entry>>,
    tasks: TaskTracker,
    cancel: CancellationToken,
    changed: watch::Sender<u64>,
}

struct IngressHandle(Arc<dyn Ingress>);

impl std::fmt::Debug for IngressHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IngressHandle")
    }
}

impl ChannelRegistry {
    /// An empty registry; [`Self::apply`] fills it.
    pub fn new(deps: RegistryDeps) -> Self {
        Self {
            deps,
            ingress: OnceLock::new(),
            entries: Mutex::default(),
            tasks: TaskTracker::new(),
            cancel: CancellationToken::new(),
            changed: watch::Sender::new(0),
        }
    }

    /// Connects the registry to ingress, which itself needs the registry's access policies.
    pub fn attach(&self, ingress: Arc<dyn Ingress>) {
        if self.ingress.set(IngressHandle(ingress)).is_err() {
            tracing::error!("ingress was attached twice; the first one stays");
        }
    }

    /// Validates all channel tables of a configuration, without changing anything.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn parse(&self, config: &Config) -> Result<Vec<ParsedKind>, Vec<Issue>> {
        let mut parsed = Vec::new();
        let mut issues = Vec::new();
        for factory in &self.deps.factories {
            let kind = factory.kind();
            let table = match config.channels.get(&kind) {
                Some(table) => table.clone(),
                // The web chat is there without being configured.
                None if kind == ChannelId::web().kind() => ChannelTable::empty(
                    kind,
                    ReadContext::system(Environment::default(), &config.state_dir),
                ),
                None => continue,
            };
            match factory.parse(&table) {
                Ok(channel) => parsed.push((factory.clone(), channel)),
                Err(found) => issues.extend(found),
            }
        }
        if issues.is_empty() { Ok(parsed) } else { Err(issues) }
    }

    /// Brings the accounts in line with a configuration: starts what is new, stops what is gone,
    /// restarts what changed, and only swaps the access policy where nothing else did.
    ///
    /// # Errors
    /// Everything that is wrong with the tables; nothing is changed then.
    pub async fn apply(&self, config: &Config) -> Result<(), Vec<Issue>> {
        let parsed = self.parse(config)?;
        let disconnected = self.disconnected().await;
        let mut fresh = BTreeMap::new();
        for (factory, channel) in parsed {
            for account in channel.accounts {
                fresh.insert(
                    account.channel_id.clone(),
                    (factory.descriptor().clone(), Arc::new(account)),
                );
            }
        }
        let mut entries = self.entries.lock().expect("no panic while the entries are held");
        let gone: Vec<ChannelId> =
            entries.keys().filter(|id| !fresh.contains_key(*id)).cloned().collect();
        for id in gone {
            if let Some(entry) = entries.remove(&id) {
                entry.runtime.cancel.cancel();
                tracing::info!(channel = %id, "channel {id} was removed from the configuration");
            }
        }
        for (id, (descriptor, account)) in fresh {
            let keep = entries.get(&id).is_some_and(|entry| {
                entry.account.fingerprint == account.fingerprint
                    && entry.account.enabled == account.enabled
            });
            if keep {
                if let Some(entry) = entries.get_mut(&id) {
                    entry.account = account;
                }
                continue;
            }
            if let Some(entry) = entries.remove(&id) {
                entry.runtime.cancel.cancel();
            }
            let is_off = disconnected.contains(&id);
            let entry = self.make_entry(descriptor, account, is_off);
            entries.insert(id, entry);
        }
        drop(entries);
        self.changed.send_modify(|version| *version += 1);
        Ok(())
    }

    fn make_entry(
        &self,
        descriptor: ChannelDescriptor,
        account: Arc<ChannelAccount>,
        disconnected: bool,
    ) -> Entry {
        let runtime = Arc::new(Runtime::new(
            account.channel_id.clone(),
            self.deps.clock.clone(),
            &self.cancel,
        ));
        let entry = Entry { descriptor, account, disconnected, runtime };
        if entry.wanted() {
            self.start(&entry);
        }
        entry
    }

    fn start(&self, entry: &Entry) {
        let Some(ingress) = self.ingress.get() else {
            tracing::error!(channel = %entry.account.channel_id, "no ingress is attached, the channel stays off");
            return;
        };
        let deps = SupervisorDeps {
            storage: self.deps.storage.clone(),
            ingress: ingress.0.clone(),
            media: self.deps.media.clone(),
            clock: self.deps.clock.clone(),
            ids: self.deps.ids.clone(),
            rng: self.deps.rng.clone(),
            owner: self.deps.owner.clone(),
            stopping: self.cancel.clone(),
        };
        let is_everybodys = entry.descriptor.delivers_by_commit;
        let (account, runtime) = (entry.account.clone(), entry.runtime.clone());
        self.tasks.spawn(supervise(deps, account, runtime, is_everybodys));
    }

    /// Makes a stopped account run, also after the next start.
    ///
    /// # Errors
    /// `NotFound` for an unknown account, `Unavailable` for one that the configuration disables.
    pub async fn connect(&self, id: &ChannelId) -> Result<ChannelStatus, OpenClawError> {
        self.set_disconnected(id, false).await?;
        let mut entries = self.entries.lock().expect("no panic while the entries are held");
        let entry = entries.get_mut(id).ok_or_else(|| unknown(id))?;
        if !entry.account.enabled {
            return Err(OpenClawError::unavailable(format!("channel {id} is disabled"))
                .with_hint(format!("set channels.{}.enabled = true", id.kind())));
        }
        let stands = matches!(
            entry.runtime.status.state(),
            ChannelState::Connected | ChannelState::Connecting
        );
        if entry.disconnected || !stands {
            entry.runtime.cancel.cancel();
            *entry = self.make_entry(entry.descriptor.clone(), entry.account.clone(), false);
            // The supervision that was may go on for a while to end its lease: what it says of itself
            // is of no account any more.
            self.changed.send_modify(|version| *version += 1);
        }
        Ok(entry.snapshot())
    }

    /// Stops an account, also after the next start.
    ///
    /// # Errors
    /// `NotFound` for an unknown account.
    pub async fn disconnect(&self, id: &ChannelId) -> Result<ChannelStatus, OpenClawError> {
        self.set_disconnected(id, true).await?;
        let mut entries = self.entries.lock().expect("no panic while the entries are held");
        let entry = entries.get_mut(id).ok_or_else(|| unknown(id))?;
        entry.disconnected = true;
        entry.runtime.cancel.cancel();
        Ok(entry.snapshot())
    }

    async fn set_disconnected(
        &self,
        id: &ChannelId,
        disconnected: bool,
    ) -> Result<(), OpenClawError> {
        if !self.entries.lock().expect("no panic while the entries are held").contains_key(id) {
            return Err(unknown(id));
        }
        let key = format!("{DISCONNECTED}{id}");
        let write = if disconnected {
            Write::PutValue { key, value: "true".to_owned(), expect: None }
        } else {
            Write::DeleteValue { key }
        };
        self.deps.storage.apply(Batch::new().with(write)).await?;
        Ok(())
    }

    async fn disconnected(&self) -> Vec<ChannelId> {
        match self.deps.storage.values(DISCONNECTED).await {
            Ok(values) => values
                .iter()
                .filter_map(|(key, _)| ChannelId::new(key.strip_prefix(DISCONNECTED)?).ok())
                .collect(),
            Err(error) => {
                tracing::warn!(%error, "cannot read which channels the owner disconnected");
                Vec::new()
            }
        }
    }

    /// How every account is, by id.
    pub fn list(&self) -> Vec<ChannelStatus> {
        let entries = self.entries.lock().expect("no panic while the entries are held");
        entries.values().map(Entry::snapshot).collect()
    }

    /// How one account is.
    pub fn status(&self, id: &ChannelId) -> Option<ChannelStatus> {
        self.entries
            .lock()
            .expect("no panic while the entries are held")
            .get(id)
            .map(Entry::snapshot)
    }

    /// Makes one round trip with the service to see whether the account works.
    ///
    /// # Errors
    /// `NotFound` for an unknown account, `Channel` with what the service said, `Timeout` after 10 s.
    pub async fn probe(&self, id: &ChannelId) -> Result<ChannelStatus, OpenClawError> {
        if self.status(id).is_none() {
            return Err(unknown(id));
        }
        let channel = self
            .channel(id)
            .ok_or_else(|| OpenClawError::unavailable(format!("channel {id} is not running")))?;
        let answer = tokio::time::timeout(PROBE_LIMIT, channel.lookup(Lookup::Account)).await;
        match answer {
            Ok(Ok(Found::Account(_))) => {}
            Ok(Ok(_)) => return Err(OpenClawError::channel(id, "answered something else")),
            Ok(Err(error)) => return Err(OpenClawError::channel(id, error)),
            Err(_) => {
                return Err(OpenClawError::new(
                    openclaw_errors::ErrorKind::Timeout,
                    format!("channel {id} did not answer in {}s", PROBE_LIMIT.as_secs()),
                ));
            }
        }
        self.status(id).ok_or_else(|| unknown(id))
    }

    /// The running channel of an account.
    pub fn channel(&self, id: &ChannelId) -> Option<Arc<dyn Channel>> {
        self.entries.lock().expect("no panic while the entries are held").get(id)?.runtime.channel()
    }

    /// The fence under which this gateway holds an account.
    pub fn fence(&self, id: &ChannelId) -> Option<Fence> {
        self.entries.lock().expect("no panic while the entries are held").get(id)?.runtime.fence()
    }

    /// Watches the state of an account's present supervision.
    pub fn watch_state(&self, id: &ChannelId) -> Option<watch::Receiver<ChannelState>> {
        let entries = self.entries.lock().expect("no panic while the entries are held");
        entries.get(id).map(|entry| entry.runtime.status.watch_state())
    }

    /// Wakes whenever accounts were added, removed or restarted.
    pub fn watch_changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Who may talk to an account.
    pub fn access(&self, id: &ChannelId) -> Option<AccessPolicy> {
        let entries = self.entries.lock().expect("no panic while the entries are held");
        entries.get(id).map(|entry| entry.account.access.clone())
    }

    /// What an account can do, with the text limit that holds for it.
    pub fn descriptor(&self, id: &ChannelId) -> Option<ChannelDescriptor> {
        let entries = self.entries.lock().expect("no panic while the entries are held");
        let entry = entries.get(id)?;
        let mut descriptor = entry.descriptor.clone();
        if let Some(limit) = entry.account.text_limit {
            descriptor.text_limit = limit.min(descriptor.text_limit);
        }
        Some(descriptor)
    }

    /// The kinds this program has, configured or not.
    pub fn kinds(&self) -> Vec<(ChannelKind, &'static str)> {
        self.deps
            .factories
            .iter()
            .map(|factory| (factory.kind(), factory.descriptor().name))
            .collect()
    }

    /// Stops all accounts and waits for them, at most `limit`.
    pub async fn shutdown(&self, limit: Duration) {
        self.cancel.cancel();
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "channels did not stop in time");
        }
    }
}

const DISCONNECTED: &str = "channel.disconnected.";

fn unknown(id: &ChannelId) -> OpenClawError {
    OpenClawError::not_found(format!("no channel {id}"))
        .with_hint("`openclaw channels list` shows the configured ones")
}
