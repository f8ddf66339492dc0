use std::collections::VecDeque;
use std::sync::Arc;

use openclaw_core::SessionKey;
use openclaw_protocol::ScopeSet;

use super::For;
use crate::hub::Client;

/// Sessions whose tools one client sees; beyond it the one it used longest ago is forgotten.
const MOST_SESSIONS: usize = 64;

/// One client that listens.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(super) client: Arc<Client>,
    scopes: ScopeSet,
    wants_tools: bool,
    sessions: VecDeque<SessionKey>,
}

impl Listener {
    pub(crate) fn new(client: Arc<Client>, scopes: ScopeSet, wants_tools: bool) -> Self {
        Self { client, scopes, wants_tools, sessions: VecDeque::new() }
    }

    pub(super) fn began_run(&mut self, session: &SessionKey) {
        if !self.wants_tools {
            return;
        }
        self.sessions.retain(|known| known != session);
        if self.sessions.len() >= MOST_SESSIONS {
            self.sessions.pop_front();
        }
        self.sessions.push_back(session.clone());
    }

    pub(super) fn hears(&self, event: For<'_>) -> bool {
        match event {
            For::Everyone => true,
            For::All(scope) => self.scopes.allows(scope),
            For::Tools(session) => {
                self.scopes.allows(openclaw_protocol::Scope::Read)
                    && self.sessions.contains(session)
            }
        }
    }
}
