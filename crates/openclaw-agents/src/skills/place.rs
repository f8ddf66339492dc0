use std::io::Read;

use openclaw_tools::Workspace;

use super::digest::{File, digest};

/// The folder of the workspace that holds copies of skills from elsewhere.
pub(super) const FOLDER: &str = ".skills";

/// Copies a skill into the workspace, where its copy differs.
pub(super) fn place(
    from: &Workspace,
    workspace: &Workspace,
    name: &str,
    files: &[File],
    wanted: &str,
) -> Result<(), String> {
    let is_same = |found: &Result<String, String>| found.as_deref() == Ok(wanted);
    let copied = digest_of_copy(workspace, name, files);
    if is_same(&copied) {
        return Ok(());
    }
    for file in files {
        let mut content = Vec::new();
        let opened = from.read(&format!("{name}/{}", file.path)).map_err(|e| e.to_string())?;
        opened.file.take(8 * 1024 * 1024).read_to_end(&mut content).map_err(|e| e.to_string())?;
        let target = format!("{FOLDER}/{name}/{}", file.path);
        workspace.replace(&target, &content).map_err(|error| error.to_string())?;
    }
    match is_same(&digest_of_copy(workspace, name, files)) {
        true => Ok(()),
        false => Err("it changed while it was copied".to_owned()),
    }
}

fn digest_of_copy(workspace: &Workspace, name: &str, files: &[File]) -> Result<String, String> {
    digest(workspace, &format!("{FOLDER}/{name}"), files)
}
