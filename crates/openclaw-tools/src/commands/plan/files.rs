use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{CommandPlan, outside_path};
use crate::sandbox::WORKSPACE;
use crate::{OpenError, ToolError, Workspace};

/// The most files of one plan, and the most bytes of them together.
const MOST_FILES: usize = 64;
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// A file that a command names, and its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// The path, as the command sees it.
    pub path: String,
    /// SHA-256 of the content, in hex.
    pub sha256: String,
    /// Whether it stands in the workspace, where the assistant can change it.
    pub in_workspace: bool,
}

/// The files a plan names: its program, and every word that is the path of a file.
pub(super) fn digests(plan: &CommandPlan, workspace: &Path) -> Result<Vec<FileDigest>, ToolError> {
    let mut files: Vec<FileDigest> = Vec::new();
    let mut bytes = 0;
    let opened = Workspace::open(workspace)?;
    for word in words(plan) {
        let path = Path::new(&plan.cwd).join(&word);
        let shown = path.display().to_string();
        if files.iter().any(|file| file.path == shown) {
            continue;
        }
        let outside = outside_path(&path, workspace);
        let in_workspace = path.starts_with(WORKSPACE) || path.starts_with(workspace);
        let Some(file) = open(&opened, &outside, in_workspace)
            .map_err(|error| ToolError::RespondToModel(format!("cannot read {shown}: {error}")))?
        else {
            continue;
        };
        if files.len() == MOST_FILES {
            return Err(ToolError::RespondToModel(format!(
                "the command names more than {MOST_FILES} files, too many to approve at once"
            )));
        }
        let mut hash = Sha256::new();
        let mut reader = file.take(MOST_BYTES - bytes + 1);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = reader.read(&mut buffer).map_err(|error| {
                ToolError::RespondToModel(format!("cannot read {shown}: {error}"))
            })?;
            if read == 0 {
                break;
            }
            bytes += read as u64;
            hash.update(&buffer[..read]);
        }
        if bytes > MOST_BYTES {
            return Err(ToolError::RespondToModel("the files the command names are larger than 512 MiB together, too large to approve".to_owned()));
        }
        files.push(FileDigest { path: shown, sha256: hex::encode(hash.finalize()), in_workspace });
    }
    Ok(files)
}

/// Opens a regular file; `None` for everything else.
fn open(workspace: &Workspace, path: &Path, in_workspace: bool) -> io::Result<Option<File>> {
    if in_workspace {
        match workspace.read(&path.display().to_string()) {
            Ok(opened) => return Ok(Some(opened.file)),
            // A link to somewhere else, which the command would follow.
            Err(OpenError::Outside { .. }) => {}
            Err(OpenError::Io { source, .. }) => return Err(source),
            Err(_) => return Ok(None),
        }
    }
    // Looked at first: opening a pipe would wait for its other end.
    if !std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every word that may be a path. In a text for a shell the words between its operators.
fn words(plan: &CommandPlan) -> Vec<String> {
    let of_option = |word: &str| word.split_once('=').map(|(_, value)| value.to_owned());
    let all: Vec<String> = match plan.argv.as_slice() {
        [program, _, text] if plan.shell => {
            let between = |character: char| " \t\r\n|&;<>()$`\"'{}".contains(character);
            let parts = text.split(between).filter(|part| !part.is_empty());
            std::iter::once(format!("/bin/{program}")).chain(parts.map(str::to_owned)).collect()
        }
        argv => argv.to_vec(),
    };
    let values: Vec<String> = all.iter().filter_map(|word| of_option(word)).collect();
    all.into_iter().chain(values).filter(|word| !word.is_empty() && word.len() < 4096).collect()
}
