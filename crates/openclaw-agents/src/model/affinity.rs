use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Which key a session uses of a provider that has several: always the same one, whose account
/// holds the session's cache; a new session takes the one that rested longest.
#[derive(Debug, Default)]
pub struct Affinity(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Counts uses: the order in which keys were used.
    clock: u64,
    used: HashMap<Arc<str>, u64>,
    sessions: HashMap<(Arc<str>, String), (Arc<str>, u64)>,
}

/// The most sessions that are remembered; the ones used longest ago go.
const MOST_SESSIONS: usize = 4_096;

impl Affinity {
    /// The credentials of a provider in the order a session tries them.
    pub fn order(&self, session: &Arc<str>, provider: &str, credentials: &mut [Arc<str>]) {
        if credentials.len() < 2 {
            return;
        }
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = state.sessions.get(&(session.clone(), provider.to_owned()));
        credentials.sort_by_key(|credential| {
            let is_other = own.is_none_or(|(own, _)| own != credential);
            (is_other, state.used.get(credential).copied().unwrap_or_default())
        });
    }

    /// Notes that a session was answered with a credential.
    pub fn used(&self, session: &Arc<str>, provider: &str, credential: &Arc<str>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        let now = state.clock;
        state.used.insert(credential.clone(), now);
        let key = (session.clone(), provider.to_owned());
        if state.sessions.len() >= MOST_SESSIONS && !state.sessions.contains_key(&key) {
            let mut times: Vec<u64> = state.sessions.values().map(|(_, at)| *at).collect();
            let middle = times.len() / 2;
            let (_, median, _) = times.select_nth_unstable(middle);
            let oldest_kept = *median;
            state.sessions.retain(|_, (_, at)| *at >= oldest_kept);
        }
        state.sessions.insert(key, (credential.clone(), now));
    }
}

#[cfg(test)]
mod tests {
    use super::{Affinity, MOST_SESSIONS};
    use std::sync::Arc;

    fn first(affinity: &Affinity, session: &str) -> Arc<str> {
        let mut keys: [Arc<str>; 3] = ["a#1".into(), "a#2".into(), "a#3".into()];
        affinity.order(&session.into(), "a", &mut keys);
        keys[0].clone()
    }

    #[test]
    fn sessions_keep_their_key_and_share_the_load() {
        let affinity = Affinity::default();
        for (session, expected) in [("x", "a#1"), ("y", "a#2"), ("z", "a#3"), ("v", "a#1")] {
            let key = first(&affinity, session);
            assert_eq!(&*key, expected);
            affinity.used(&session.into(), "a", &key);
        }
        for (session, expected) in [("y", "a#2"), ("x", "a#1"), ("z", "a#3")] {
            assert_eq!(&*first(&affinity, session), expected);
        }
        // After a failure it keeps to the one that answered.
        affinity.used(&"x".into(), "a", &"a#3".into());
        assert_eq!(&*first(&affinity, "x"), "a#3");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let affinity = Affinity::default();
        for number in 0..MOST_SESSIONS * 2 {
            affinity.used(&number.to_string().into(), "a", &"a#1".into());
        }
        let kept = affinity.0.lock().expect("sound").sessions.len();
        assert!(kept <= MOST_SESSIONS, "{kept}");
        let newest = (MOST_SESSIONS * 2 - 1).to_string();
        affinity.used(&"other".into(), "a", &"a#2".into());
        assert_eq!(&*first(&affinity, &newest), "a#1");
    }
}
