use openclaw_core::{ChannelId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `pairing.list`.
    PairingList, "pairing.list", Access::Scope(Scope::Pairing), PairingListParams => PairingListResult,
    "Lists people who asked to talk to the assistant, and those who may."
}
method! {
    /// `pairing.approve`.
    PairingApprove, "pairing.approve", Access::Scope(Scope::Pairing), PairingApproveParams => Pairing,
    "Lets a person talk to the assistant in direct chats of a channel. Making an owner needs `operator.admin`."
}

/// The params of `pairing.list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairingListParams {
    /// Only this channel account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
}

/// The result of `pairing.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PairingListResult {
    /// Requests and approved people, oldest first.
    pub pairings: Vec<Pairing>,
}

/// The params of `pairing.approve`: a code, or a channel account and a user id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairingApproveParams {
    /// The code the person was given; upper and lower case are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The channel account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// The service's id of a person who has asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Whether as an owner, whose direct chats go to the main session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owner: bool,
}

/// A person who asked to talk to the assistant, or may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pairing {
    /// The channel account.
    pub channel_id: ChannelId,
    /// The service's id of the person.
    pub user_id: UserId,
    /// The display name: untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The code to approve; absent once approved or expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// When the code stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was approved; absent while it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
    /// Whether the person is an owner.
    pub is_owner: bool,
    /// How often the person wrote while not approved.
    pub denied: u64,
    /// When the person first wrote.
    pub created_at: Timestamp,
}
