use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use openclaw_tools::Workspace;
use serde_json::{Map, Value};

use super::digest::{File, digest, files};
use super::front_matter::{parse, split};
use super::lures::lures;

/// The most skills of one root, and the largest `SKILL.md`.
const CANDIDATES: usize = 300;
const LARGEST: u64 = 256 * 1024;

/// Where a skill was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    /// `workspace`, `managed` or `extra`.
    pub(super) source: &'static str,
    pub(super) path: PathBuf,
}

/// A skill as its folder says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) name: String,
    /// The name of its folder.
    pub(super) folder: String,
    pub(super) root: Root,
    pub(super) description: String,
    pub(super) metadata: Map<String, Value>,
    /// Whether the model is told of it by itself.
    pub(super) for_model: bool,
    /// Whether people can ask for it by name.
    pub(super) for_people: bool,
    pub(super) files: Vec<File>,
    pub(super) digest: String,
    pub(super) lures: Vec<String>,
}

/// What was found in folders, each read only when it has changed.
pub(super) type Kept = Mutex<HashMap<PathBuf, (Vec<File>, Arc<Parsed>)>>;

/// All skills of these roots, by name; the first of a name counts. What cannot be read is logged.
pub(super) fn find(roots: &[Root], kept: &Kept) -> Vec<Arc<Parsed>> {
    let mut found: Vec<Arc<Parsed>> = Vec::new();
    for root in roots {
        for folder in folders(&root.path) {
            match read(root, &folder, kept) {
                Ok(Some(skill)) => {
                    if found.iter().all(|known| known.name != skill.name) {
                        found.push(skill);
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    let root = root.path.display();
                    tracing::warn!(%root, folder, error, "a skill cannot be used");
                }
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The folders below a root, in order; links are not followed.
fn folders(root: &Path) -> Vec<String> {
    let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
    if !is_folder(root) {
        return Vec::new();
    }
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| is_folder(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names.truncate(CANDIDATES);
    names
}

fn read(root: &Root, folder: &str, kept: &Kept) -> Result<Option<Arc<Parsed>>, String> {
    let path = root.path.join(folder);
    let files = files(&path)?;
    if !files.iter().any(|file| file.path == "SKILL.md") {
        return Ok(None);
    }
    let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((before, skill)) = lock().get(&path)
        && *before == files
    {
        return Ok(Some(skill.clone()));
    }
    let opened = Workspace::open(&root.path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let file = opened.read(&format!("{folder}/SKILL.md")).map_err(|error| error.to_string())?;
    if file.size > LARGEST {
        return Err(format!("SKILL.md is larger than {LARGEST} bytes"));
    }
    file.file.take(LARGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let digest = digest(&opened, folder, &files)?;
    let skill = Arc::new(parsed(root, folder, &text, files.clone(), digest)?);
    lock().insert(path, (files, skill.clone()));
    Ok(Some(skill))
}

fn parsed(
    root: &Root,
    folder: &str,
    text: &str,
    files: Vec<File>,
    digest: String,
) -> Result<Parsed, String> {
    let (yaml, body) = split(text).ok_or("SKILL.md does not begin with front matter")?;
    let front = parse(yaml)?;
    let word = |name: &str| front.get(name).and_then(Value::as_str).map(str::trim);
    let name = word("name").filter(|name| !name.is_empty()).unwrap_or(folder).to_owned();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.len() > 64 || !name.chars().all(is_name) {
        return Err("its name is not 1 to 64 of a-z 0-9 - _ .".to_owned());
    }
    let description = word("description").unwrap_or_default().to_owned();
    if description.is_empty() {
        return Err("it has no description".to_owned());
    }
    // Older skills write the metadata as JSON in a string.
    let metadata = match front.get("metadata") {
        Some(Value::String(json)) => serde_json::from_str(json).unwrap_or_default(),
        Some(Value::Object(map)) => map.clone(),
        _ => Map::new(),
    };
    let own = metadata.get("openclaw").and_then(Value::as_object).cloned().unwrap_or_default();
    let is_set = |name: &str| front.get(name).and_then(Value::as_bool);
    Ok(Parsed {
        name,
        folder: folder.to_owned(),
        root: root.clone(),
        description,
        metadata: own,
        for_model: is_set("disable-model-invocation") != Some(true),
        for_people: is_set("user-invocable") != Some(false),
        files,
        digest,
        lures: lures(body),
    })
}
