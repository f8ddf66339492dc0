use openclaw_core::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NoParams;
use crate::method::method;
use crate::{Access, Scope, ScopeSet};

method! {
    /// `device.list`.
    DeviceList, "device.list", Access::Scope(Scope::Pairing), NoParams => DeviceListResult,
    "Lists devices that wait for approval, and those that are approved."
}
method! {
    /// `device.approve`.
    DeviceApprove, "device.approve", Access::Scope(Scope::Pairing), DeviceRequestRef => Device,
    "Approves a device with the scopes it asked for; the caller must have all of them."
}
method! {
    /// `device.reject`.
    DeviceReject, "device.reject", Access::Scope(Scope::Pairing), DeviceRequestRef => DeviceRequest,
    "Turns a waiting device away; it may ask again."
}
method! {
    /// `device.rotate`.
    DeviceRotate, "device.rotate", Access::Scope(Scope::Pairing), DeviceRotateParams => IssuedDeviceToken,
    "Gives a device another token; the old one and every connection of the device end at once. The caller must have every scope of the token."
}
method! {
    /// `device.revoke`.
    DeviceRevoke, "device.revoke", Access::Scope(Scope::Pairing), DeviceRef => Device,
    "Takes a device's token and approval away and ends its connections; it has to be approved again."
}

/// Names a request of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceRequestRef {
    /// The request.
    pub request_id: String,
}

/// Names a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceRef {
    /// The SHA-256 of its public key, hexadecimal.
    pub device_id: String,
}

/// The params of `device.rotate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceRotateParams {
    /// The SHA-256 of its public key, hexadecimal.
    pub device_id: String,
    /// What the new token may do, at most what the device was approved for; default as the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
}

/// The result of `device.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceListResult {
    /// Devices that wait for approval, oldest first.
    pub pending: Vec<DeviceRequest>,
    /// Approved devices, oldest first.
    pub devices: Vec<Device>,
}

/// A device that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceRequest {
    /// The request.
    pub request_id: String,
    /// The SHA-256 of its public key, hexadecimal.
    pub device_id: String,
    /// What it says of itself: untrusted text.
    pub info: DeviceInfo,
    /// What it asks for.
    pub scopes: ScopeSet,
    /// Whether it is approved already, for less.
    pub is_known: bool,
    /// Where it asked from; absent for this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it asked.
    pub requested_at: Timestamp,
    /// When the request is forgotten.
    pub expires_at: Timestamp,
}

/// What a device says of itself: untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DeviceInfo {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// How the program is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_mode: Option<String>,
}

/// An approved device, without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// The SHA-256 of its public key, hexadecimal.
    pub device_id: String,
    /// Its Ed25519 key, base64url.
    pub public_key: String,
    /// What it says of itself: untrusted text.
    pub info: DeviceInfo,
    /// What it is approved for.
    pub scopes: ScopeSet,
    /// Whether it may connect; false once revoked.
    pub is_approved: bool,
    /// Its token; absent until it first connects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<DeviceToken>,
    /// When it was first approved.
    pub created_at: Timestamp,
    /// When it was last approved.
    pub approved_at: Timestamp,
}

/// A device's token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceToken {
    /// What it may do.
    pub scopes: ScopeSet,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Whether it took the place of another.
    pub is_rotated: bool,
    /// When it was last used, to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

/// A device's token with its secret, which is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IssuedDeviceToken {
    /// The device.
    pub device_id: String,
    /// The token.
    pub token: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// When it was issued.
    pub issued_at: Timestamp,
}

impl std::fmt::Debug for IssuedDeviceToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedDeviceToken")
            .field("device_id", &self.device_id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
