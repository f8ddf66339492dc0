use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::AddressRules;

/// Where addresses of names come from.
pub trait Lookup: Send + Sync + fmt::Debug {
    /// The addresses of a name.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A name all of whose addresses are denied.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(super) struct DeniedName {
    pub(super) reason: &'static str,
}

/// Hands the client only addresses that may be connected to, so that no second resolution can slip
/// in another one.
#[derive(Debug, Clone)]
pub(super) struct GuardedResolver {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) rules: Arc<AddressRules>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.lookup.lookup(name.as_str().to_owned());
        let rules = self.rules.clone();
        Box::pin(async move {
            let mut allowed = Vec::new();
            let mut denial = "the name has no address";
            for address in found.await? {
                match rules.check(address) {
                    // The client puts the URL's port in place of 0.
                    Ok(()) => allowed.push(SocketAddr::new(address, 0)),
                    Err(reason) => denial = reason,
                }
            }
            if allowed.is_empty() {
                return Err(DeniedName { reason: denial }.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}
