/// The hosts that a command may reach. An empty list, or an entry that cannot be read, allows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostList(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// `None` for the names below `name` only.
    is_exact: bool,
    name: String,
    port: Option<u16>,
}

/// The ports of an entry that names none.
const USUAL_PORTS: [u16; 2] = [80, 443];

impl HostList {
    /// Reads `host`, `*.host`, `host:port` and `*.host:port`. `*` alone is every host.
    pub fn new(texts: &[String]) -> Self {
        Self(texts.iter().filter_map(|text| Entry::parse(text)).collect())
    }

    /// Whether this host may be reached at this port.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        !host.is_empty() && self.0.iter().any(|entry| entry.allows(&host, port))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') => (name, Some(port.parse().ok()?)),
            Some(_) => return None,
            None => (text.as_str(), None),
        };
        if name == "*" {
            return Some(Self { is_exact: false, name: String::new(), port });
        }
        let (is_exact, name) = match name.strip_prefix("*.") {
            Some(rest) => (false, rest),
            None => (true, name),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let valid = !name.is_empty() && name.bytes().all(is_name);
        valid.then(|| Self { is_exact, name: name.to_owned(), port })
    }

    fn allows(&self, host: &str, port: u16) -> bool {
        let is_host = if self.is_exact {
            host == self.name
        } else {
            self.name.is_empty()
                || host
                    .strip_suffix(&self.name)
                    .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
        };
        is_host && self.port.map_or_else(|| USUAL_PORTS.contains(&port), |own| own == port)
    }
}

#[cfg(test)]
mod tests {
    use super::HostList;

    #[test]
    fn only_what_is_listed_is_allowed() {
        let list: Vec<String> =
            ["pypi.org", "*.github.com", "Example.com:8443", "bad host", "", "a:b:c"]
                .map(str::to_owned)
                .into();
        let hosts = HostList::new(&list);
        for (host, port, allowed) in [
            ("pypi.org", 443, true),
            ("PyPI.org.", 80, true),
            ("pypi.org", 22, false),
            ("evilpypi.org", 443, false),
            ("pypi.org.evil.com", 443, false),
            ("api.github.com", 443, true),
            ("a.b.github.com", 443, true),
            ("github.com", 443, false),
            ("evilgithub.com", 443, false),
            (".github.com", 443, false),
            ("example.com", 8443, true),
            ("example.com", 443, false),
            ("", 443, false),
            ("bad host", 443, false),
        ] {
            assert_eq!(hosts.allows(host, port), allowed, "{host}:{port}");
        }
        assert!(!HostList::new(&[]).allows("pypi.org", 443));
        assert!(HostList::new(&["*".to_owned()]).allows("pypi.org", 443));
    }
}
