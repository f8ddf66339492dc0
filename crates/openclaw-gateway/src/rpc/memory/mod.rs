//! `memory.*`.

pub(super) mod index;
pub(super) mod search;
pub(super) mod status;

use openclaw_agents::memory::MemoryMode;
use openclaw_protocol::methods::SearchMode;

fn mode(mode: MemoryMode) -> SearchMode {
    match mode {
        MemoryMode::Text => SearchMode::Text,
        MemoryMode::Hybrid => SearchMode::Hybrid,
    }
}
