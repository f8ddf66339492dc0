//! What agents can search.

use super::{Held, Outcome, Writing};
use crate::MemoryWrite;
use crate::rows::MemoryIndexing;
use crate::sql::argument::arguments;
use crate::sql::memory as statements;

impl Writing<'_> {
    pub(super) async fn memory(&mut self, write: &MemoryWrite) -> Outcome {
        match write {
            MemoryWrite::Index(indexing) => self.index_memory(indexing).await?,
            MemoryWrite::Forget { agent_id, source, path } => {
                for sql in [statements::FORGET_CHUNKS, statements::FORGET_FILES] {
                    self.changed(sql, arguments![agent_id, *source, path.as_deref()]).await?;
                }
            }
            MemoryWrite::StoreVectors { agent_id, model, vectors } => {
                for vector in vectors {
                    let values = statements::vector(agent_id, model, vector);
                    self.changed(statements::STORE_VECTOR, values).await?;
                }
            }
            MemoryWrite::PruneVectors { agent_id, keep } => {
                let values = arguments![agent_id, keep.as_deref()];
                self.changed(statements::PRUNE_VECTORS, values).await?;
            }
        }
        Ok(Held::Yes)
    }

    async fn index_memory(&mut self, indexing: &MemoryIndexing) -> Result<(), sqlx::Error> {
        // The file first: its row keeps others who index the same file out until this has ended.
        self.changed(statements::PUT_FILE, statements::file(&indexing.file)).await?;
        self.changed(statements::DROP_CHUNKS, statements::dropped(indexing)).await?;
        for (chunk, ordinal) in indexing.chunks.iter().zip(indexing.from..) {
            let values = statements::chunk(&indexing.file, ordinal, chunk);
            self.changed(statements::INSERT_CHUNK, values).await?;
        }
        Ok(())
    }
}
