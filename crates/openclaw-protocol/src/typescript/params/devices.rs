use serde::Deserialize;

/// The params of `device.pair.approve` and `device.pair.reject`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceRequestParams {
    /// The request.
    pub request_id: String,
}

/// The params of `device.token.rotate`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceTokenRotateParams {
    /// The device.
    pub device_id: String,
    /// The role.
    pub role: String,
    /// What the new token may do; default as the old one.
    pub scopes: Option<Vec<String>>,
}

/// The params of `device.token.revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceTokenRevokeParams {
    /// The device.
    pub device_id: String,
    /// The role.
    pub role: String,
}
