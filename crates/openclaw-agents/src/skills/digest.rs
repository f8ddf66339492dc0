use std::fs::Metadata;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use openclaw_tools::Workspace;
use sha2::{Digest, Sha256};

/// The most files of a skill, how deep they lie, and their bytes together.
const FILES: usize = 200;
const DEEPEST: usize = 5;
const MOST: u64 = 8 * 1024 * 1024;

/// A file of a skill, by its path below the skill's folder, and what tells that it is the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct File {
    pub(super) path: String,
    size: u64,
    modified: Option<SystemTime>,
}

/// The files of a skill's folder in order. Links are not followed and make it unusable.
pub(super) fn files(folder: &Path) -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    let mut bytes = 0;
    walk(folder, "", DEEPEST, &mut files, &mut bytes)?;
    files.sort();
    Ok(files)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<File>,
    bytes: &mut u64,
) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("its folder cannot be read: {error}");
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            return Err("a file's name is not UTF-8".to_owned());
        };
        let metadata: Metadata = entry.path().symlink_metadata().map_err(failed)?;
        let path = format!("{prefix}{name}");
        if metadata.is_dir() && name != ".git" && name != "node_modules" {
            if depth == 0 {
                return Err("its folders nest too deeply".to_owned());
            }
            walk(&entry.path(), &format!("{path}/"), depth - 1, files, bytes)?;
        } else if metadata.is_file() {
            *bytes += metadata.len();
            files.push(File { path, size: metadata.len(), modified: metadata.modified().ok() });
            if files.len() > FILES || *bytes > MOST {
                return Err(format!("it has more than {FILES} files or {MOST} bytes"));
            }
        } else if metadata.is_symlink() {
            return Err(format!("{path} is a link"));
        }
    }
    Ok(())
}

/// The digest of all that is in a skill: the names and contents of its files.
pub(super) fn digest(root: &Workspace, name: &str, files: &[File]) -> Result<String, String> {
    let mut all = Sha256::new();
    for file in files {
        let mut content = Vec::new();
        let opened = root.read(&format!("{name}/{}", file.path)).map_err(|e| e.to_string())?;
        opened.file.take(MOST).read_to_end(&mut content).map_err(|e| e.to_string())?;
        all.update(file.path.as_bytes());
        all.update([0]);
        all.update(Sha256::digest(&content));
    }
    Ok(hex::encode(all.finalize()))
}
