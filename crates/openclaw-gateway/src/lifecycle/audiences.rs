use std::sync::Arc;

use openclaw_storage::{CommitObserver, Committed};

use crate::delivery::{LiveEvent, LiveSink};
use crate::hub::Hub;
use crate::typescript::Audience;

/// The clients of both protocols, who are told the same.
#[derive(Debug)]
pub(super) struct Audiences {
    pub(super) hub: Arc<Hub>,
    pub(super) typescript: Arc<Audience>,
}

impl CommitObserver for Audiences {
    fn committed(&self, committed: Committed) {
        self.typescript.committed(&committed);
        self.hub.committed(committed);
    }
}

impl LiveSink for Audiences {
    fn live(&self, event: LiveEvent) {
        self.typescript.live(&event);
        self.hub.live(event);
    }
}
