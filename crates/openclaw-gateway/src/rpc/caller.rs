use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::auth::{Authenticator, Principal};
use crate::hub::Client;

/// One connection or HTTP request as methods see it.
#[derive(Debug)]
pub struct Caller {
    /// Where it comes from; loopback for callers in the gateway's own process.
    pub address: IpAddr,
    /// The client to send events to; `None` over HTTP.
    pub client: Option<Arc<Client>>,
    /// Checks what `authenticate` offers.
    pub authenticator: Arc<Authenticator>,
    principal: Mutex<Option<Principal>>,
}

impl Caller {
    /// A caller, signed in already where its request carried a credential.
    pub fn new(
        address: IpAddr,
        client: Option<Arc<Client>>,
        authenticator: Arc<Authenticator>,
        principal: Option<Principal>,
    ) -> Self {
        Self { address, client, authenticator, principal: Mutex::new(principal) }
    }

    /// Who it is, once it has signed in.
    pub fn principal(&self) -> Option<Principal> {
        self.principal.lock().expect("no panic while the principal is held").clone()
    }

    /// It signed in.
    pub fn sign_in(&self, principal: Principal) {
        *self.principal.lock().expect("no panic while the principal is held") = Some(principal);
    }
}
