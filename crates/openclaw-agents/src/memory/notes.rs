//! The notes of an agent: `MEMORY.md` and what is below `memory/` in its workspace.

use std::io::Read as _;
use std::path::Path;

use openclaw_core::Timestamp;
use openclaw_tools::{OpenError, Workspace};

/// Deeper folders are not looked into.
const DEPTH: usize = 8;
/// More files are not indexed.
const MOST_FILES: usize = 5_000;
/// Of a larger file the beginning is indexed.
const LARGEST: u64 = 2 * 1024 * 1024;
const FOLDER: &str = "memory";
const FILE: &str = "MEMORY.md";

/// A file of notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) path: String,
    pub(super) modified_at: Timestamp,
    pub(super) size: u64,
}

/// Whether a path is that of notes.
pub(crate) fn is_note(path: &str) -> bool {
    let path = path.strip_prefix("./").unwrap_or(path);
    let is_below = path.strip_prefix(FOLDER).is_some_and(|rest| rest.starts_with('/'));
    path == FILE || (is_below && path.ends_with(".md") && !path.split('/').any(|part| part == ".."))
}

/// The files of notes, by path. Blocks.
pub(super) fn list(root: &Path) -> Result<Vec<Note>, OpenError> {
    let workspace = Workspace::open(root)?;
    let mut paths = workspace.files_below(FOLDER, DEPTH, MOST_FILES)?;
    paths.push(FILE.to_owned());
    let mut notes: Vec<Note> = paths
        .into_iter()
        .filter(|path| is_note(path))
        .filter_map(|path| {
            let opened = workspace.read(&path).ok()?;
            let modified = opened.file.metadata().and_then(|metadata| metadata.modified()).ok()?;
            let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            Some(Note { path, modified_at: Timestamp::from_millis(millis), size: opened.size })
        })
        .collect();
    notes.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(notes)
}

/// What a file of notes says. Blocks.
pub(crate) fn read(root: &Path, path: &str) -> Result<String, OpenError> {
    let opened = Workspace::open(root)?.read(path)?;
    let mut bytes = Vec::new();
    opened.file.take(LARGEST).read_to_end(&mut bytes).map_err(|source| OpenError::Io {
        doing: "read",
        path: path.to_owned(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{is_note, list};

    #[test]
    fn only_notes_are_notes() {
        for path in ["MEMORY.md", "memory/2026-01-01.md", "memory/a/b.md", "./memory/x.md"] {
            assert!(is_note(path), "{path}");
        }
        for path in [
            "memory",
            "memory.md",
            "AGENTS.md",
            "memory/x.txt",
            "memory/../secret.md",
            "/MEMORY.md",
            "memory2/x.md",
        ] {
            assert!(!is_note(path), "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn notes_are_found_in_the_workspace_alone() {
        let (inside, outside) =
            (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
        let write = |path: &str| {
            let path = inside.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, "text").expect("written");
        };
        for path in ["MEMORY.md", "memory/b.md", "memory/deep/a.md", "memory/x.txt", "other.md"] {
            write(path);
        }
        std::fs::write(outside.path().join("secret.md"), "secret").expect("written");
        let link = inside.path().join("memory/link.md");
        std::os::unix::fs::symlink(outside.path().join("secret.md"), link).expect("linked");
        std::os::unix::fs::symlink(outside.path(), inside.path().join("memory/away"))
            .expect("linked");
        let notes = list(inside.path()).expect("listed");
        let paths: Vec<_> = notes.iter().map(|note| note.path.as_str()).collect();
        assert_eq!(paths, ["MEMORY.md", "memory/b.md", "memory/deep/a.md"]);
        assert_eq!(list(&inside.path().join("empty")).expect("listed"), []);
    }
}
