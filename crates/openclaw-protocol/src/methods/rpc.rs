use serde_json::Value;

use super::NoParams;
use crate::Access;
use crate::method::method;

method! {
    /// `rpc.discover`.
    RpcDiscover, "rpc.discover", Access::Public, NoParams => Value,
    "Gives the OpenRPC 1.3 document of this gateway. Needs no credential."
}
