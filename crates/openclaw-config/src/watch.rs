use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Loaded;

/// How often the files are looked at. Notifications of the system would come for the whole state
/// folder, whose database is written several times in every turn.
const LOOK: Duration = Duration::from_millis(300);
/// Editors write a file in several steps; this long nothing must happen.
const QUIET: Duration = Duration::from_millis(150);
/// A change is reported after this long even when writing goes on.
const LONGEST_WAIT: Duration = Duration::from_millis(600);

/// Watches the files of a configuration and tells when their contents changed.
///
/// It looks at size, time and identity of the files, and compares contents where those changed, so
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
    let look = async |files: &[PathBuf]| {
        let files = files.to_vec();
        tracker.spawn_blocking(move || Marks::of(&files)).await
    };
    loop {
        let Followed { files, mut fingerprint } = to_follow.borrow_and_update().clone();
        // Nothing is known of the files yet: a change may have come before the watch began.
        let mut seen = None;
        loop {
            let Ok(mut marks) = look(&files).await else { return };
            if seen.as_ref() != Some(&marks) {
                let end = Instant::now() + LONGEST_WAIT;
                while seen.is_some() && Instant::now() < end {
                    sleep(QUIET).await;
                    let Ok(later) = look(&files).await else { return };
                    if later == marks {
                        break;
                    }
                    marks = later;
                }
                seen = Some(marks);
                let compared = files.clone();
                let task = tracker.spawn_blocking(move || Fingerprint::of(&compared));
                let Ok(current) = task.await else { return };
                if current != fingerprint {
                    fingerprint = current;
                    wake(&changes);
                }
            }
            // Every arm is cancel-safe: each only waits.
            tokio::select! {
                () = stop.cancelled() => return,
                () = changes.closed() => return,
                followed = to_follow.changed() => match followed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                () = sleep(LOOK) => {}
            }
        }
    }
}

/// Fills a channel that holds one wake-up; a full one already says what this one would.
fn wake(sender: &mpsc::Sender<()>) {
    if let Err(mpsc::error::TrySendError::Closed(())) = sender.try_send(()) {
        tracing::trace!("nobody waits for changes of the configuration any more");
    }
}

/// What tells cheaply that files may have changed: size, time and identity of each.
#[derive(Debug, PartialEq, Eq)]
struct Marks(Vec<Option<(u64, Option<SystemTime>, u64)>>);

impl Marks {
    fn of(files: &[PathBuf]) -> Self {
        let mark = |file: &PathBuf| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.len(), metadata.modified().ok(), identity(&metadata)))
        };
        Self(files.iter().map(mark).collect())
    }
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> u64 {
    0
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
