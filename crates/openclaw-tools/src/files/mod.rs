//! The file tools: `read`, `write`, `edit`, `apply_patch`, `list`, `search`. All work in the workspace only.

mod apply_patch;
mod edit;
mod list;
mod locks;
mod near;
mod patch;
mod read;
mod search;
mod search_content;
mod search_names;
mod walk;
mod write;

use std::time::Duration;

use openclaw_media::MediaStore;

pub use apply_patch::ApplyPatchTool;
pub use edit::EditTool;
pub use list::ListTool;
pub use locks::WorkspaceLocks;
pub use read::ReadTool;
pub use search::SearchTool;
pub use write::WriteTool;

use crate::ToolRegistryBuilder;

/// How long one file may take.
const FILE_TIME_LIMIT: Duration = Duration::from_secs(30);

/// How long a walk through the workspace may take; what was found until then is answered.
const WALK_TIME_LIMIT: Duration = Duration::from_secs(20);

/// The most bytes of text that one answer holds.
const MAX_TEXT: usize = 64 * 1024;

/// The largest file that is written or edited.
const MAX_WRITE: u64 = 16 * 1024 * 1024;

impl ToolRegistryBuilder {
    /// Adds the file tools; images that are read go to `media`.
    #[must_use]
    pub fn with_file_tools(self, media: MediaStore) -> Self {
        let locks = WorkspaceLocks::default();
        self.with(ReadTool::new(media))
            .with(WriteTool::new(locks.clone()))
            .with(EditTool::new(locks.clone()))
            .with(ListTool)
            .with(SearchTool)
            .with(ApplyPatchTool::new(locks))
    }
}
