//! The files of a workspace that stand in the system prompt.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use openclaw_core::SessionKey;
use openclaw_tools::Workspace;

use crate::context::head_and_tail;

/// The files in the order they are told: what changes most goes last, so that what providers keep of
/// the prompt's beginning holds.
const FILES: [&str; 8] = [
    "AGENTS.md",
    "SOUL.md",
    "IDENTITY.md",
    "TOOLS.md",
    "USER.md",
    "HEARTBEAT.md",
    "BOOTSTRAP.md",
    "MEMORY.md",
];

/// What one of them may be in the prompt: its head and its tail, in bytes.
const HEAD: usize = 14_000;
const TAIL: usize = 4_000;
const LONGEST: usize = 20_000;

/// What all of them may be together, in bytes.
const MOST: usize = 150_000;

/// What is read of a file at most.
const LARGEST: u64 = 1024 * 1024;

/// Workspaces that are remembered.
const KEPT: usize = 64;

/// Which of the files a session is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// The owner's main session.
    Owner,
    /// Other chats, which others may read.
    Shared,
    /// A session that does one task.
    Task,
}

impl Audience {
    fn of(key: &SessionKey) -> Self {
        let is_task = [":subagent:", ":cron:"].iter().any(|mark| key.as_str().contains(mark));
        match (is_task, key.is_main()) {
            (true, _) => Self::Task,
            (false, true) => Self::Owner,
            (false, false) => Self::Shared,
        }
    }

    fn is_told(self, name: &str) -> bool {
        match self {
            Self::Owner => true,
            Self::Shared => name != "MEMORY.md",
            Self::Task => matches!(name, "AGENTS.md" | "TOOLS.md"),
        }
    }
}

/// One file as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BootstrapFile {
    pub(crate) name: &'static str,
    pub(crate) text: Arc<str>,
}

/// Reads the files, each only when it has changed.
#[derive(Debug, Default)]
pub(crate) struct Bootstrap(Arc<Mutex<HashMap<PathBuf, Kept>>>);

type Kept = HashMap<&'static str, (Stamp, Arc<str>)>;

/// What tells that a file is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    number: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let number = 0;
        Self { size: metadata.len(), modified: metadata.modified().ok(), number }
    }
}

impl Bootstrap {
    /// The files that a session is told, in at most about so many bytes.
    pub(crate) async fn read(
        &self,
        workspace: &Path,
        session: &SessionKey,
        room: usize,
    ) -> Vec<BootstrapFile> {
        let (kept, workspace) = (self.0.clone(), workspace.to_owned());
        let audience = Audience::of(session);
        let work = move || read_all(&kept, &workspace, audience);
        let mut files = match tokio::task::spawn_blocking(work).await {
            Ok(files) => files,
            Err(error) => {
                tracing::error!(%error, "reading the files of a workspace broke");
                Vec::new()
            }
        };
        let mut left = room.min(MOST);
        for file in &mut files {
            if file.text.len() > left {
                file.text = head_and_tail(&file.text, left / 5 * 4, left / 5).into();
            }
            left = left.saturating_sub(file.text.len());
        }
        files
    }
}

fn read_all(
    kept: &Mutex<HashMap<PathBuf, Kept>>,
    workspace: &Path,
    audience: Audience,
) -> Vec<BootstrapFile> {
    // A workspace that nobody has used yet is not made by looking into it.
    if !workspace.is_dir() {
        return Vec::new();
    }
    let opened = match Workspace::open(workspace) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!(%error, "the files of a workspace are not read");
            return Vec::new();
        }
    };
    let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let before = lock().remove(workspace).unwrap_or_default();
    let mut after = Kept::new();
    let mut files = Vec::new();
    for name in FILES {
        let Some((stamp, text)) = read_one(&opened, name, before.get(name)) else { continue };
        if audience.is_told(name) && !text.trim().is_empty() {
            files.push(BootstrapFile { name, text: text.clone() });
        }
        after.insert(name, (stamp, text));
    }
    let mut kept = lock();
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(workspace.to_owned(), after);
    files
}

/// A file's text, as it is kept where the file is the same. `None` where there is no such file, or
/// the opener does not give it.
fn read_one(
    workspace: &Workspace,
    name: &str,
    kept: Option<&(Stamp, Arc<str>)>,
) -> Option<(Stamp, Arc<str>)> {
    let opened = workspace.read(name).ok()?;
    let stamp = Stamp::of(&opened.file.metadata().ok()?);
    if let Some((before, text)) = kept
        && *before == stamp
    {
        return Some((stamp, text.clone()));
    }
    let mut bytes = Vec::new();
    if let Err(error) = opened.file.take(LARGEST).read_to_end(&mut bytes) {
        tracing::warn!(name, %error, "a file of the workspace cannot be read");
        return None;
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = match text.len() > LONGEST {
        true => head_and_tail(&text, HEAD, TAIL),
        false => text.into_owned(),
    };
    Some((stamp, text.into()))
}

#[cfg(test)]
mod tests {
    use openclaw_core::SessionKey;

    use super::Bootstrap;

    fn key(text: &str) -> SessionKey {
        text.parse().expect("a key")
    }

    #[tokio::test]
    async fn each_session_is_told_what_is_meant_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["MEMORY.md", "AGENTS.md", "SOUL.md", "TOOLS.md", "OTHER.md"] {
            std::fs::write(folder.path().join(name), name).expect("written");
        }
        std::fs::write(folder.path().join("USER.md"), " \n").expect("written");
        let bootstrap = Bootstrap::default();
        let told = async |session: &str| {
            let files = bootstrap.read(folder.path(), &key(session), 100_000).await;
            files.into_iter().map(|file| file.name).collect::<Vec<_>>()
        };
        assert_eq!(
            told("agent:main:main").await,
            ["AGENTS.md", "SOUL.md", "TOOLS.md", "MEMORY.md"]
        );
        let group = told("agent:main:telegram:group:7").await;
        assert_eq!(group, ["AGENTS.md", "SOUL.md", "TOOLS.md"]);
        assert_eq!(told("agent:main:subagent:1").await, ["AGENTS.md", "TOOLS.md"]);
    }

    #[tokio::test]
    async fn changes_are_seen_and_large_files_are_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("AGENTS.md");
        let bootstrap = Bootstrap::default();
        let read = async |room| {
            let files = bootstrap.read(folder.path(), &key("agent:main:main"), room).await;
            files.first().map(|file| file.text.to_string()).unwrap_or_default()
        };
        assert_eq!(read(100_000).await, "");
        for text in ["one", "one more", &"x".repeat(50_000)] {
            std::fs::write(&file, text).expect("written");
            let read = read(100_000).await;
            match text.len() < 20_000 {
                true => assert_eq!(read, text),
                false => assert!(read.contains("32000 bytes left out") && read.len() < 20_000),
            }
        }
        assert!(read(1_000).await.len() < 1_100);
        #[cfg(unix)]
        {
            let secret = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(secret.path(), "secret").expect("written");
            std::fs::remove_file(&file).expect("removed");
            std::os::unix::fs::symlink(secret.path(), &file).expect("linked");
            assert_eq!(read(100_000).await, "", "a link out of the workspace is not followed");
        }
    }
}
