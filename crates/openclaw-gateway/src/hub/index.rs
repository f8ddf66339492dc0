use std::collections::HashMap;
use std::sync::Arc;

use openclaw_core::{RunId, SessionKey};

use super::client::{Client, ClientId};

/// Finds the clients that may want an event, without asking all of them.
#[derive(Debug, Default)]
pub(super) struct Index {
    clients: HashMap<ClientId, Arc<Client>>,
    /// Clients with a subscription that is not narrowed to a session.
    general: Vec<Arc<Client>>,
    by_session: HashMap<SessionKey, Vec<Arc<Client>>>,
    by_run: HashMap<RunId, Vec<Arc<Client>>>,
    signed_in: u64,
}

impl Index {
    pub(super) fn add(&mut self, client: Arc<Client>) {
        self.clients.insert(client.id(), client);
    }

    pub(super) fn signed_in(&mut self) -> u64 {
        self.signed_in += 1;
        self.signed_in
    }

    /// Removes a client; the number of those left that signed in.
    pub(super) fn remove(&mut self, client: &Arc<Client>) -> u64 {
        if self.clients.remove(&client.id()).is_none() {
            return self.signed_in;
        }
        let (subscriptions, runs) = client.take_interests();
        for subscription in subscriptions {
            match subscription.session_key {
                Some(key) => take_out(&mut self.by_session, &key, client),
                None => self.general.retain(|other| !Arc::ptr_eq(other, client)),
            }
        }
        for run in runs {
            take_out(&mut self.by_run, &run, client);
        }
        if client.principal().is_some() {
            self.signed_in -= 1;
        }
        self.signed_in
    }

    pub(super) fn interest(&mut self, client: &Arc<Client>, session: Option<&SessionKey>) {
        let list = match session {
            Some(key) => self.by_session.entry(key.clone()).or_default(),
            None => &mut self.general,
        };
        if !list.iter().any(|other| Arc::ptr_eq(other, client)) {
            list.push(client.clone());
        }
    }

    pub(super) fn no_interest(&mut self, client: &Arc<Client>, session: Option<&SessionKey>) {
        match session {
            Some(key) if !client.has_subscription_of(key) => {
                take_out(&mut self.by_session, key, client);
            }
            None if !client.has_general_subscription() => {
                self.general.retain(|other| !Arc::ptr_eq(other, client));
            }
            Some(_) | None => {}
        }
    }

    pub(super) fn watch_run(&mut self, client: &Arc<Client>, run: &RunId) {
        self.by_run.entry(run.clone()).or_default().push(client.clone());
    }

    pub(super) fn forget_run(&mut self, client: &Arc<Client>, run: &RunId) {
        take_out(&mut self.by_run, run, client);
    }

    /// Those who watched a run that is over.
    pub(super) fn end_run(&mut self, run: &RunId) -> Vec<Arc<Client>> {
        self.by_run.remove(run).unwrap_or_default()
    }

    /// Those who may want an event, each once.
    pub(super) fn candidates(
        &self,
        session: Option<&SessionKey>,
        run: Option<&RunId>,
    ) -> Vec<Arc<Client>> {
        let mut found = self.general.clone();
        let by_session = session.and_then(|key| self.by_session.get(key));
        let by_run = run.and_then(|run| self.by_run.get(run));
        for client in by_session.into_iter().chain(by_run).flatten() {
            if !found.iter().any(|other| Arc::ptr_eq(other, client)) {
                found.push(client.clone());
            }
        }
        found
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values()
    }
}

fn take_out<K: std::hash::Hash + Eq>(
    map: &mut HashMap<K, Vec<Arc<Client>>>,
    key: &K,
    client: &Arc<Client>,
) {
    if let Some(list) = map.get_mut(key) {
        list.retain(|other| !Arc::ptr_eq(other, client));
        if list.is_empty() {
            map.remove(key);
        }
    }
}
