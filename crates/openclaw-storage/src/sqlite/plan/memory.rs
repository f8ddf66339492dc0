//! What agents can search.

use super::Planner;
use crate::MemoryWrite;
use crate::rows::MemoryIndexing;
use crate::sql::memory as statements;
use crate::sqlite::argument::arguments;

impl Planner<'_> {
    pub(super) fn memory(&mut self, write: &MemoryWrite) {
        match write {
            MemoryWrite::Index(indexing) => self.index_memory(indexing),
            MemoryWrite::Forget { agent_id, source, path } => {
                for sql in [statements::FORGET_CHUNKS, statements::FORGET_FILES] {
                    self.push(sql, arguments![agent_id, *source, path.as_deref()]);
                }
            }
            MemoryWrite::StoreVectors { agent_id, model, vectors } => {
                for vector in vectors {
                    let values = statements::vector(agent_id, model, vector);
                    self.push(statements::STORE_VECTOR, values);
                }
            }
            MemoryWrite::PruneVectors { agent_id, keep } => {
                self.push(statements::PRUNE_VECTORS, arguments![agent_id, keep.as_deref()]);
            }
        }
    }

    fn index_memory(&mut self, indexing: &MemoryIndexing) {
        self.push(statements::DROP_CHUNKS, statements::dropped(indexing));
        for (chunk, ordinal) in indexing.chunks.iter().zip(indexing.from..) {
            let values = statements::chunk(&indexing.file, ordinal, chunk);
            self.push(statements::INSERT_CHUNK, values);
        }
        self.push(statements::PUT_FILE, statements::file(&indexing.file));
    }
}
