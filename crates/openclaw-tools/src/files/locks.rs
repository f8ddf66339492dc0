use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{ToolContext, ToolError};

/// Lets one change at a time into a workspace, so that of two edits of a file neither is lost.
/// Clones share the locks.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceLocks(Arc<[Arc<Mutex<()>>; 16]>);

impl WorkspaceLocks {
    /// Waits for the workspace of the context, or for the end of the call.
    pub(super) async fn lock(
        &self,
        context: &ToolContext,
    ) -> Result<OwnedMutexGuard<()>, ToolError> {
        tokio::select! {
            guard = self.of(&context.workspace).lock_owned() => Ok(guard),
            () = context.cancel.cancelled() => Err(ToolError::Cancelled),
        }
    }

    fn of(&self, workspace: &Path) -> Arc<Mutex<()>> {
        let mut hasher = DefaultHasher::new();
        workspace.hash(&mut hasher);
        let count = self.0.len();
        self.0[usize::try_from(hasher.finish() % count as u64).unwrap_or(0)].clone()
    }
}
