//! Devices: a key pair proves which one connects, the owner approves it, and a token of its own lets
//! it come back.
//!
//! Requests live in memory and for five minutes; approved devices are values of the store, tokens
//! among them only as digests. A device is never approved for more than who approves it has.

mod error;
mod pending;
mod proof;
mod record;
mod registry;

pub use error::DeviceError;
pub use pending::{Asked, Request};
pub use proof::{ProofError, ProvenDevice, prove};
pub use record::{DeviceRecord, TokenRecord};
pub use registry::Devices;

/// The name under which connections of a device are known.
pub fn principal_name(device_id: &str) -> String {
    format!("device:{device_id}")
}
