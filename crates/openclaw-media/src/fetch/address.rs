use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// Which peers may be reached: public addresses, and those named one by one.
#[derive(Debug, Clone, Default)]
pub struct AddressRules {
    allowed: Vec<IpAddr>,
    any: bool,
}

/// Names that mean this machine, its network or a cloud's metadata service, whatever they resolve to.
const DENIED_NAMES: [&str; 4] =
    ["localhost", "metadata", "metadata.google.internal", "instance-data"];
const DENIED_SUFFIXES: [&str; 5] =
    [".localhost", ".local", ".internal", ".localdomain", ".home.arpa"];

/// Azure's metadata and control service answers on this public address.
const AZURE_METADATA: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

impl AddressRules {
    /// Public addresses only.
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Any address: only for URLs whose host the owner's configuration names, without redirects.
    pub fn configured_host() -> Self {
        Self { allowed: Vec::new(), any: true }
    }

    /// Allows one address that is not public.
    #[must_use]
    pub fn allowing(mut self, address: IpAddr) -> Self {
        self.allowed.push(address);
        self
    }

    /// Whether this address may be connected to.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, address: IpAddr) -> Result<(), &'static str> {
        if self.any || self.allowed.contains(&address) {
            return Ok(());
        }
        let denial = match address {
            IpAddr::V4(v4) => v4_denial(v4),
            IpAddr::V6(v6) => v6_denial(v6),
        };
        denial.map_or(Ok(()), Err)
    }

    /// Whether this host may be asked for at all; a name's addresses are checked when it resolves.
    ///
    /// # Errors
    /// Why not.
    pub fn check_host(&self, host: &Host<&str>) -> Result<(), &'static str> {
        match host {
            Host::Ipv4(v4) => self.check(IpAddr::V4(*v4)),
            Host::Ipv6(v6) => self.check(IpAddr::V6(*v6)),
            Host::Domain(_) if self.any => Ok(()),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                let denied = name.is_empty()
                    || DENIED_NAMES.contains(&name.as_str())
                    || DENIED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
                if denied { Err("the name belongs to this machine or its network") } else { Ok(()) }
            }
        }
    }
}

fn v4_denial(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Some("the address means this network"),
        (127, ..) => Some("the address is this machine's own"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Some("the address is private"),
        (100, 64..=127, _) => Some("the address is shared by a carrier (CGNAT)"),
        (169, 254, _) => Some("the address is link-local, where metadata services answer"),
        (192, 0, 0 | 2) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => {
            Some("the address is reserved for tests and protocols")
        }
        (192, 88, 99) => Some("the address is a 6to4 relay"),
        (224..=239, ..) => Some("the address is multicast"),
        (240..=255, ..) => Some("the address is reserved"),
        _ if address == AZURE_METADATA => Some("the address is a metadata service"),
        _ => None,
    }
}

fn v6_denial(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("the address is this machine's own"),
        [0, 0, 0, 0, 0, 0xFFFF, ..] | [0, 0, 0, 0, 0xFFFF, 0, ..] | [0, 0, 0, 0, 0, 0, ..] => {
            Some("the address hides an IPv4 address")
        }
        [0x64, 0xFF9B, ..] => Some("the address hides an IPv4 address (NAT64)"),
        [0x2002, ..] => Some("the address hides an IPv4 address (6to4)"),
        [0x2001, 0, ..] => Some("the address hides an IPv4 address (Teredo)"),
        // ISATAP, below any prefix.
        [_, _, _, _, 0 | 0x200, 0x5EFE, ..] => Some("the address hides an IPv4 address (ISATAP)"),
        [0x2001, 0..=0x1FF, ..] => Some("the address is reserved for protocols"),
        [0x2001, 0xDB8, ..] | [0x3FFF, 0..=0xFFF, ..] => {
            Some("the address is reserved for documentation")
        }
        // Only this eighth of the space is given out as global unicast.
        [0x2000..=0x3FFF, ..] => None,
        [0xFE80..=0xFEBF, ..] => Some("the address is link-local"),
        [0xFC00..=0xFDFF, ..] | [0xFEC0..=0xFEFF, ..] => Some("the address is private"),
        [0xFF00..=0xFFFF, ..] => Some("the address is multicast"),
        _ => Some("the address is reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::AddressRules;
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use url::Url;

    #[test]
    fn addresses_inside_are_denied_and_public_ones_allowed() {
        let rules = AddressRules::public_only();
        let denied = "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 \
            127.0.0.1 127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 \
            192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 \
            224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 \
            :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::8.8.8.8 \
            64:ff9b:1::10.0.0.1 100::1 2001::1 2001:10::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1 \
            3fff::1 5f00::1 fc00::1 fd00:ec2::254 fd20:ce::254 fe80::1 febf::1 fec0::1 ff02::1 \
            2a00:1450::5efe:a00:1 4000::1 8000::1";
        for text in denied.split_whitespace() {
            let address: IpAddr = text.parse().expect("an address");
            assert!(rules.check(address).is_err(), "{text} must be denied");
        }
        let public = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 93.184.216.34 100.63.255.255 100.128.0.1 \
            169.253.0.1 172.15.0.1 172.32.0.1 192.0.1.1 192.167.0.1 198.17.0.1 198.20.0.1 223.255.255.255 \
            2001:200::1 2001:4860:4860::8888 2606:4700::1111 2a00:1450:4001:800::200e 3ffe:ffff::1";
        for text in public.split_whitespace() {
            let address: IpAddr = text.parse().expect("an address");
            assert_eq!(rules.check(address), Ok(()), "{text} must be allowed");
        }
    }

    #[test]
    fn every_spelling_of_a_host_is_seen_through() {
        let rules = AddressRules::public_only();
        for text in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://017700000001/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166/",
            "http://0/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://foo.localhost/",
            "http://printer.local/",
            "http://metadata.google.internal/",
            "http://metadata/",
            "http://\u{ff11}27.0.0.1/",
            "http://\u{2460}27.0.0.1/",
            "http://loc%61lhost/",
            "http://127%2e0.0.1/",
        ] {
            let url = Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let host = url.host().expect("a host");
            assert!(rules.check_host(&host).is_err(), "{text} must be denied");
        }
        for text in ["http://example.com/", "https://8.8.8.8/", "http://localhost.example.com/"] {
            let url = Url::parse(text).expect("a URL");
            assert_eq!(rules.check_host(&url.host().expect("a host")), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_allowance_holds_for_one_address() {
        let rules = AddressRules::public_only().allowing(IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(rules.check(IpAddr::V4(Ipv4Addr::LOCALHOST)), Ok(()));
        assert!(rules.check(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))).is_err());
        assert!(rules.check(IpAddr::V6(Ipv6Addr::LOCALHOST)).is_err());
    }

    proptest! {
        #[test]
        fn no_spelling_of_a_denied_v4_address_passes(bits in any::<u32>()) {
            let rules = AddressRules::public_only();
            let v4 = Ipv4Addr::from(bits);
            for text in [
                format!("http://{bits}/"), format!("http://{bits:#x}/"), format!("http://0{bits:o}/"), format!("http://{v4}/"),
            ] {
                let url = Url::parse(&text).expect("a URL");
                let host = url.host().expect("a host");
                prop_assert_eq!(rules.check_host(&host), rules.check(IpAddr::V4(v4)), "{}", text);
            }
            // Wrapped in IPv6 nothing passes, public or not.
            let [a, b] = [(bits >> 16) as u16, bits as u16];
            for wrapped in [
                v4.to_ipv6_mapped(), v4.to_ipv6_compatible(), Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
                Ipv6Addr::new(0x2002, a, b, 0, 0, 0, 0, 1), Ipv6Addr::new(0x2001, 0, a, b, 0, 0, !a, !b),
            ] {
                prop_assert!(rules.check(IpAddr::V6(wrapped)).is_err(), "{}", wrapped);
            }
        }

        #[test]
        fn only_global_unicast_v6_passes(bits in any::<u128>()) {
            let v6 = Ipv6Addr::from(bits);
            if AddressRules::public_only().check(IpAddr::V6(v6)).is_ok() {
                prop_assert_eq!(v6.segments()[0] >> 13, 1);
            }
        }
    }
}
