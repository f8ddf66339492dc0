use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Loaded;

/// Editors write a file in several steps; this long nothing must happen.
const QUIET: Duration = Duration::from_millis(200);
/// A change is reported after this long even when writing goes on.
const LONGEST_WAIT: Duration = Duration::from_millis(700);
/// Without notifications of the system, files are compared this often.
const POLL: Duration = Duration::from_millis(500);

/// Watches the files of a configuration and tells when their contents changed.
///
/// It watches folders, since editors and atomic writes replace files, and compares contents, so
/// that touching a file is no change. The task belongs to the tracker and ends with the token.
#[derive(Debug)]
pub struct ConfigWatcher {
    changes: mpsc::Receiver<()>,
    followed: watch::Sender<Followed>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Followed {
    files: Vec<PathBuf>,
    fingerprint: Fingerprint,
}

impl ConfigWatcher {
    /// Begins to watch the files that a configuration was loaded from. A change since then counts.
    pub fn start(loaded: &Loaded, tracker: &TaskTracker, stop: CancellationToken) -> Self {
        let (followed, to_follow) = watch::channel(Followed::of(loaded));
        // One is enough: whoever takes it loads what is there then.
        let (sender, changes) = mpsc::channel(1);
        tracker.spawn(run(to_follow, sender, tracker.clone(), stop));
        Self { changes, followed }
    }

    /// Waits for the next change; several may be reported as one. `None` once watching has ended.
    /// Cancel-safe.
    pub async fn changed(&mut self) -> Option<()> {
        self.changes.recv().await
    }

    /// Watches the files of this configuration from here on. After one that does not load, the
    /// files of the last one stay watched.
    pub fn follow(&self, loaded: &Loaded) {
        self.followed.send_replace(Followed::of(loaded));
    }
}

impl Followed {
    fn of(loaded: &Loaded) -> Self {
        Self { files: loaded.files.clone(), fingerprint: loaded.fingerprint }
    }
}

async fn run(
    mut to_follow: watch::Receiver<Followed>,
    changes: mpsc::Sender<()>,
    tracker: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let Followed { files, mut fingerprint } = to_follow.borrow_and_update().clone();
        // A wake-up says only that something happened, so one is enough.
        let (sender, mut wakeups) = mpsc::channel(1);
        let watcher = notifications(&files, sender.clone());
        if let Err(error) = &watcher {
            tracing::info!(%error, "no notifications of changed files, comparing them regularly");
        }
        // Looks once at the beginning: a change may have come before the watcher stood.
        wake(&sender);
        loop {
            let poll = async {
                match &watcher {
                    Ok(_) => std::future::pending().await,
                    Err(_) => tokio::time::sleep(POLL).await,
                }
            };
            // Every arm is cancel-safe: each only waits.
            tokio::select! {
                () = stop.cancelled() => return,
                () = changes.closed() => return,
                followed = to_follow.changed() => match followed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                _ = wakeups.recv() => quiet(&mut wakeups).await,
                () = poll => {}
            }
            let compared = files.clone();
            let task = tracker.spawn_blocking(move || Fingerprint::of(&compared));
            let Ok(current) = task.await else { return };
            if current != fingerprint {
                fingerprint = current;
                wake(&changes);
            }
        }
    }
}

/// Waits until nothing has happened for a while.
async fn quiet(wakeups: &mut mpsc::Receiver<()>) {
    let end = Instant::now() + LONGEST_WAIT;
    while Instant::now() < end && timeout(QUIET, wakeups.recv()).await.is_ok() {}
}

/// Fills a channel that holds one wake-up; a full one already says what this one would.
fn wake(sender: &mpsc::Sender<()>) {
    if let Err(mpsc::error::TrySendError::Closed(())) = sender.try_send(()) {
        tracing::trace!("nobody waits for changes of the configuration any more");
    }
}

fn notifications(
    files: &[PathBuf],
    wakeups: mpsc::Sender<()>,
) -> notify::Result<RecommendedWatcher> {
    let watched: BTreeSet<PathBuf> = files.iter().cloned().collect();
    let folders: BTreeSet<PathBuf> =
        files.iter().filter_map(|file| file.parent()).map(Path::to_owned).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let matters = match &event {
            Ok(event) => {
                !matches!(event.kind, EventKind::Access(_))
                    && (event.need_rescan()
                        || event.paths.iter().any(|path| concerns(path, &watched)))
            }
            Err(_) => true,
        };
        if matters {
            wake(&wakeups);
        }
    })?;
    for folder in folders {
        watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// The state folder holds the database, which is written all the time, so names are compared.
fn concerns(path: &Path, watched: &BTreeSet<PathBuf>) -> bool {
    // Kubernetes swaps a whole volume by renaming the symlink `..data`.
    let is_volume_link =
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".."));
    is_volume_link || watched.contains(path)
}

/// The contents of several files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn of(files: &[PathBuf]) -> Self {
        let mut digest = Sha256::new();
        for file in files {
            // Reading a pipe would wait for somebody to write into it.
            let bytes = if file.is_file() { std::fs::read(file).ok() } else { None };
            match bytes {
                Some(bytes) => {
                    digest.update([1]);
                    digest.update(Sha256::digest(&bytes));
                }
                None => digest.update([0]),
            }
        }
        Self(digest.finalize().into())
    }
}
