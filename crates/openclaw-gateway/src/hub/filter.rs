use openclaw_core::SessionKey;
use openclaw_protocol::{Scope, ScopeSet};

/// Which topics a subscription wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicFilter {
    /// Every topic.
    All,
    /// One topic.
    Exact(Box<str>),
    /// Topics that begin so; ends with a dot.
    Prefix(Box<str>),
}

impl TopicFilter {
    const LONGEST: usize = 64;

    /// Parses a topic, a prefix with `.*`, or `*`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let stem = text.strip_suffix(".*").unwrap_or(text);
        let is_topic = !stem.is_empty()
            && text.len() <= Self::LONGEST
            && stem.split('.').all(|part| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            });
        if !is_topic {
            return None;
        }
        Some(if stem.len() < text.len() {
            Self::Prefix(format!("{stem}.").into())
        } else {
            Self::Exact(stem.into())
        })
    }

    /// Whether the topic is wanted.
    pub fn matches(&self, topic: &str) -> bool {
        match self {
            Self::All => true,
            Self::Exact(wanted) => **wanted == *topic,
            Self::Prefix(prefix) => topic.starts_with(&**prefix),
        }
    }
}

/// One subscription of a client.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Names it within its client.
    pub id: String,
    /// The topics.
    pub topics: Vec<TopicFilter>,
    /// Only events of this session.
    pub session_key: Option<SessionKey>,
}

impl Subscription {
    /// Whether an event is wanted.
    pub fn matches(&self, topic: &str, session_key: Option<&SessionKey>) -> bool {
        let session_fits = match &self.session_key {
            Some(wanted) => session_key == Some(wanted),
            None => true,
        };
        session_fits && self.topics.iter().any(|filter| filter.matches(topic))
    }
}

/// Whether the holder of these scopes may see events of a topic.
pub(super) fn may_see(scopes: ScopeSet, topic: &str) -> bool {
    let needed = match topic.split('.').next().unwrap_or(topic) {
        "approval" => Scope::Approvals,
        "pairing" | "device" => Scope::Pairing,
        "log" => Scope::Admin,
        _ => Scope::Read,
    };
    scopes.allows(needed)
}

#[cfg(test)]
mod tests {
    use super::{Subscription, TopicFilter, may_see};
    use openclaw_core::SessionKey;
    use openclaw_protocol::{Scope, ScopeSet};

    #[test]
    fn topics_prefixes_and_everything() {
        let wanted =
            |filter: &str, topic: &str| TopicFilter::parse(filter).map(|f| f.matches(topic));
        assert_eq!(wanted("agent.done", "agent.done"), Some(true));
        assert_eq!(wanted("agent.done", "agent.donee"), Some(false));
        assert_eq!(wanted("agent.*", "agent.done"), Some(true));
        assert_eq!(wanted("agent.*", "agents.done"), Some(false));
        assert_eq!(wanted("agent.*", "agent"), Some(false));
        assert_eq!(wanted("presence", "presence"), Some(true));
        assert_eq!(wanted("*", "log"), Some(true));
        for bad in
            ["", ".*", "agent.", "agent..*", "agent*", "Agent.done", "a b", "agent.*.done", "**"]
        {
            assert_eq!(TopicFilter::parse(bad), None, "{bad}");
        }
        assert_eq!(TopicFilter::parse(&"a".repeat(65)), None);
    }

    #[test]
    fn a_session_narrows_a_subscription() {
        let key = SessionKey::parse("agent:main:one").expect("valid");
        let other = SessionKey::parse("agent:main:two").expect("valid");
        let mut subscription = Subscription {
            id: "1".to_owned(),
            topics: vec![TopicFilter::All],
            session_key: Some(key.clone()),
        };
        assert!(subscription.matches("agent.done", Some(&key)));
        assert!(!subscription.matches("agent.done", Some(&other)));
        assert!(!subscription.matches("presence", None));
        subscription.session_key = None;
        assert!(subscription.matches("presence", None));
    }

    #[test]
    fn some_topics_need_more_than_reading() {
        let read: ScopeSet = [Scope::Read].into_iter().collect();
        assert!(may_see(read, "agent.done"));
        assert!(!may_see(read, "approval.requested"));
        assert!(!may_see(read, "log"));
        assert!(may_see(ScopeSet::all(), "log"));
        assert!(!may_see(ScopeSet::NONE, "presence"));
    }
}
