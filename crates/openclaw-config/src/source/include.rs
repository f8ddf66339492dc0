use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::parse;
use super::expand::expand;
use crate::paths::MainFile;
use crate::wording::article;
use crate::{Environment, Issue, Place, Spanned, SpannedTable, SpannedValue};

const MAX_DEPTH: usize = 8;
const MAX_FILES: usize = 64;
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The main file with all that it includes, merged, not yet expanded.
pub(crate) struct Gathered {
    pub(crate) table: SpannedTable,
    /// The main file first, even where it does not exist.
    pub(crate) files: Vec<PathBuf>,
    /// The main file's own text.
    pub(crate) text: String,
}

/// Reads the main file, or takes `text` in its stead, and what it includes.
///
/// Included files are laid below the file that includes them, later ones over earlier ones: tables
/// are merged key by key, everything else, arrays too, is replaced as a whole.
pub(crate) fn gather(
    main: &MainFile,
    text: Option<String>,
    environment: &Environment,
) -> Result<Gathered, Vec<Issue>> {
    let file: Arc<str> = main.display.as_str().into();
    let text = match text {
        Some(text) => Some(text),
        None => match read(&main.path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !main.named => None,
            Err(error) => {
                let place = Place { file, line: 1, column: 1 };
                let issue = Issue::new(Some(place), "", format!("cannot be read: {error}"));
                let hint = "OPENCLAW_CONFIG names it";
                return Err(vec![if main.named { issue.with_hint(hint) } else { issue }]);
            }
        },
    };
    let Some(text) = text else {
        let files = vec![main.path.clone()];
        return Ok(Gathered { table: SpannedTable::default(), files, text: String::new() });
    };
    let mut gathering = Gathering {
        root: main.folder().canonicalize().unwrap_or_else(|_| main.folder().to_owned()),
        environment,
        display_folder: Path::new(&main.display).parent().unwrap_or(Path::new("")).to_owned(),
        files: vec![main.path.clone()],
        open: vec![main.path.canonicalize().unwrap_or_else(|_| main.path.clone())],
        issues: Vec::new(),
    };
    let table = gathering.file(&file, &text, main.folder());
    match table {
        Some(table) if gathering.issues.is_empty() => {
            Ok(Gathered { table, files: gathering.files, text })
        }
        _ => Err(gathering.issues),
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let metadata = std::fs::metadata(path)?;
    // Opening a pipe would wait for somebody to write into it.
    if !metadata.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let size = metadata.len();
    if size > MAX_FILE_BYTES {
        let message = format!("{size} bytes are more than {MAX_FILE_BYTES}");
        return Err(std::io::Error::other(message));
    }
    std::fs::read_to_string(path)
}

struct Gathering<'a> {
    root: PathBuf,
    environment: &'a Environment,
    display_folder: PathBuf,
    files: Vec<PathBuf>,
    /// The files that are being read, outermost first, to find cycles.
    open: Vec<PathBuf>,
    issues: Vec<Issue>,
}

impl Gathering<'_> {
    fn file(&mut self, file: &Arc<str>, text: &str, folder: &Path) -> Option<SpannedTable> {
        let mut table = parse(file, text, &mut self.issues)?;
        let Some(entry) = table.entries.shift_remove("include") else { return Some(table) };
        let names = match entry.value.value {
            SpannedValue::Array(names) => names,
            value => vec![Spanned { value, place: entry.value.place }],
        };
        let mut merged = SpannedTable { place: table.place.clone(), ..SpannedTable::default() };
        for (index, name) in names.into_iter().enumerate() {
            match self.included(&name, folder) {
                Ok(Some(included)) => merge(&mut merged, included),
                Ok(None) => {}
                Err(message) => {
                    let key = format!("include[{index}]");
                    self.issues.push(Issue::new(name.place, key, message));
                }
            }
        }
        merge(&mut merged, table);
        Some(merged)
    }

    fn included(
        &mut self,
        name: &Spanned<SpannedValue>,
        folder: &Path,
    ) -> Result<Option<SpannedTable>, String> {
        let SpannedValue::String(name) = &name.value else {
            return Err(format!(
                "expected a file name in quotes, found {}",
                article(name.value.type_name())
            ));
        };
        let name = expand(name, self.environment).map_err(|fault| fault.describe().0)?;
        let path = folder.join(&name);
        let real = path.canonicalize().map_err(|error| format!("cannot be read: {error}"))?;
        let Ok(inside) = real.strip_prefix(&self.root) else {
            return Err("lies outside the folder of the main file".to_owned());
        };
        if self.open.contains(&real) {
            return Err("includes itself".to_owned());
        }
        if self.open.len() > MAX_DEPTH {
            return Err(format!("includes are nested deeper than {MAX_DEPTH}"));
        }
        if self.files.len() > MAX_FILES {
            return Err(format!("more than {MAX_FILES} files are included"));
        }
        let text = read(&real).map_err(|error| format!("cannot be read: {error}"))?;
        let file: Arc<str> = self.display_folder.join(inside).to_string_lossy().into();
        // The name as written is watched as well: a symlink may be pointed elsewhere.
        for seen in [&path, &real] {
            if !self.files.contains(seen) {
                self.files.push(seen.clone());
            }
        }
        let folder = real.parent().unwrap_or(Path::new("/")).to_owned();
        self.open.push(real);
        let table = self.file(&file, &text, &folder);
        self.open.pop();
        Ok(table)
    }
}

fn merge(below: &mut SpannedTable, above: SpannedTable) {
    if above.place.is_some() {
        below.place = above.place;
    }
    for (key, entry) in above.entries {
        match below.entries.get_mut(&key) {
            Some(ours) => match (&mut ours.value.value, entry.value.value) {
                (SpannedValue::Table(below), SpannedValue::Table(above)) => {
                    ours.key_place = entry.key_place;
                    ours.value.place = entry.value.place;
                    merge(below, above);
                }
                (_, value) => {
                    ours.key_place = entry.key_place;
                    ours.value = Spanned { value, place: entry.value.place };
                }
            },
            None => {
                below.entries.insert(key, entry);
            }
        }
    }
}
