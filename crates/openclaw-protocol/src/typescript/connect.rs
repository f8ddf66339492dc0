//! The handshake: what a client says of itself and what it is told.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The params of `connect`. What later versions add and is not needed here is passed over.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectParams {
    /// The oldest version the client speaks.
    pub min_protocol: u32,
    /// The newest version the client speaks.
    pub max_protocol: u32,
    /// The program.
    pub client: ClientInfo,
    /// What it can do with events.
    #[serde(default)]
    pub caps: Vec<String>,
    /// `operator` or `node`.
    #[serde(default)]
    pub role: Option<String>,
    /// What it wants to do; part of what the device signs, so kept as it came.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The device it runs on.
    #[serde(default)]
    pub device: Option<DeviceProof>,
    /// Its credential.
    #[serde(default)]
    pub auth: Option<ConnectAuth>,
}

impl std::fmt::Debug for ConnectParams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectParams")
            .field("client", &self.client)
            .field("role", &self.role)
            .field("scopes", &self.scopes)
            .field("device", &self.device.as_ref().map(|device| &device.id))
            .finish_non_exhaustive()
    }
}

/// The program that connects.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientInfo {
    /// Such as `cli` or `openclaw-macos`.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Its version.
    pub version: String,
    /// Such as `linux`.
    pub platform: String,
    /// Such as `iPhone`.
    #[serde(default)]
    pub device_family: Option<String>,
    /// The hardware.
    #[serde(default)]
    pub model_identifier: Option<String>,
    /// Such as `cli`, `ui` or `backend`.
    pub mode: String,
    /// Names this installation.
    #[serde(default)]
    pub instance_id: Option<String>,
}

/// Programs that may connect.
pub const CLIENT_IDS: &[&str] = &[
    "webchat-ui",
    "openclaw-control-ui",
    "openclaw-tui",
    "webchat",
    "cli",
    "gateway-client",
    "openclaw-browser-copilot",
    "openclaw-linux",
    "openclaw-macos",
    "openclaw-ios",
    "openclaw-watchos",
    "openclaw-android",
    "node-host",
    "test",
    "fingerprint",
    "openclaw-probe",
];

/// The ways in which programs are used.
pub const CLIENT_MODES: &[&str] = &["webchat", "cli", "ui", "backend", "node", "probe", "test"];

impl ClientInfo {
    /// Whether it is a page in a browser, which always has an origin.
    pub fn is_page(&self) -> bool {
        self.mode == "webchat"
            || matches!(self.id.as_str(), "webchat-ui" | "webchat" | "openclaw-control-ui")
    }

    /// Whether it is a command that comes and goes, which no one wants to see come and go.
    pub fn is_command(&self) -> bool {
        self.mode == "cli" || self.id == "cli"
    }

    /// Whether it is the command line or a program on behalf of it, which from version 4 on are no
    /// devices of their own on the gateway's machine.
    pub fn is_local_program(&self) -> bool {
        matches!(
            (self.id.as_str(), self.mode.as_str()),
            ("cli", "cli") | ("gateway-client", "backend")
        )
    }

    /// What of it is not as it should be.
    pub fn mistake(&self) -> Option<&'static str> {
        let texts = [
            Some(&self.version),
            Some(&self.platform),
            self.display_name.as_ref(),
            self.device_family.as_ref(),
            self.model_identifier.as_ref(),
            self.instance_id.as_ref(),
        ];
        if !CLIENT_IDS.contains(&self.id.as_str()) {
            Some("client.id is not a known program")
        } else if !CLIENT_MODES.contains(&self.mode.as_str()) {
            Some("client.mode is not a known mode")
        } else if texts.into_iter().flatten().any(|text| text.is_empty() || text.len() > 256) {
            Some("client must say what it is in texts of 1 to 256 bytes")
        } else {
            None
        }
    }
}

/// The proof that a client runs on a device: a signature by the device's key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceProof {
    /// The SHA-256 of the public key, hexadecimal.
    pub id: String,
    /// The Ed25519 key, base64url.
    pub public_key: String,
    /// Over [`DeviceProof::signed_text`], base64url.
    pub signature: String,
    /// When it was signed, in milliseconds since 1970.
    pub signed_at: i64,
    /// The challenge that it answers.
    #[serde(default)]
    pub nonce: Option<String>,
}

/// The form of the signed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofForm {
    /// Without a challenge.
    V1,
    /// With the challenge.
    V2,
    /// With the challenge and what the device says of itself.
    V3,
}

impl DeviceProof {
    /// The text that is signed in a form, for a credential.
    pub fn signed_text(
        &self,
        form: ProofForm,
        connect: &ConnectParams,
        role: &str,
        token: &str,
    ) -> String {
        let (version, nonce) = match form {
            ProofForm::V1 => ("v1", None),
            ProofForm::V2 => ("v2", Some(self.nonce.as_deref().unwrap_or_default().trim())),
            ProofForm::V3 => ("v3", Some(self.nonce.as_deref().unwrap_or_default().trim())),
        };
        let signed_at = self.signed_at.to_string();
        let scopes = connect.scopes.join(",");
        let client = &connect.client;
        let mut parts: Vec<&str> =
            vec![version, &self.id, &client.id, &client.mode, role, &scopes, &signed_at, token];
        parts.extend(nonce);
        let (platform, family);
        if form == ProofForm::V3 {
            platform = client.platform.trim().to_ascii_lowercase();
            family =
                client.device_family.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
            parts.extend([platform.as_str(), family.as_str()]);
        }
        parts.join("|")
    }
}

/// The credential of a `connect`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectAuth {
    /// The gateway token, an API key, an access token or a device token.
    #[serde(default)]
    pub token: Option<String>,
    /// The password.
    #[serde(default)]
    pub password: Option<String>,
    /// The device's token, from version 4 on.
    #[serde(default)]
    pub device_token: Option<String>,
}

impl std::fmt::Debug for ConnectAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectAuth")
            .field("token", &self.token.is_some())
            .field("password", &self.password.is_some())
            .field("device_token", &self.device_token.is_some())
            .finish()
    }
}

/// The payload of `connect.challenge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Challenge<'a> {
    /// What the device signs.
    pub nonce: &'a str,
    /// Now.
    pub ts: i64,
}

/// How often presence and health have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StateVersion {
    /// Changes of presence.
    pub presence: u64,
    /// Changes of health.
    pub health: u64,
}

/// The answer to `connect`.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloOk {
    /// `hello-ok`.
    pub r#type: &'static str,
    /// The version spoken on this connection.
    pub protocol: u32,
    /// The gateway.
    pub server: HelloServer,
    /// What it can do.
    pub features: HelloFeatures,
    /// How things stand.
    pub snapshot: Snapshot,
    /// What the client may do, and its device's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<HelloAuth>,
    /// What it has to keep to.
    pub policy: HelloPolicy,
}

/// The gateway, in `hello-ok`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloServer {
    /// The version of the program.
    pub version: String,
    /// The machine; only version 3 has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The connection.
    pub conn_id: String,
}

/// What the gateway can do, in `hello-ok`.
#[derive(Debug, Clone, Serialize)]
pub struct HelloFeatures {
    /// Methods that are answered.
    pub methods: Vec<&'static str>,
    /// Events that are sent.
    pub events: Vec<&'static str>,
}

/// How things stand, in `hello-ok`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Who is here.
    pub presence: Vec<PresenceEntry>,
    /// The answer of `health`.
    pub health: Value,
    /// How often both have changed.
    pub state_version: StateVersion,
    /// For how long the gateway has run.
    pub uptime_ms: u64,
    /// The configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_path: Option<String>,
    /// The state folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<String>,
    /// How sessions are named.
    pub session_defaults: SessionDefaults,
    /// How clients sign in.
    pub auth_mode: &'static str,
}

/// How sessions are named.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionDefaults {
    /// The agent that messages without a rule go to.
    pub default_agent_id: String,
    /// The rest of a main session's key.
    pub main_key: &'static str,
    /// The owner's main session.
    pub main_session_key: String,
    /// Whether senders share sessions.
    pub scope: &'static str,
}

/// What the client may do, in `hello-ok`.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloAuth {
    /// A token to connect with from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
    /// The role.
    pub role: String,
    /// What it may do.
    pub scopes: Vec<&'static str>,
    /// When the token was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_at_ms: Option<i64>,
}

/// What a client has to keep to, in `hello-ok`.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloPolicy {
    /// Bytes of a frame.
    pub max_payload: usize,
    /// Bytes that may wait for a client.
    pub max_buffered_bytes: usize,
    /// The time between two ticks.
    pub tick_interval_ms: u64,
}

/// One client or gateway that is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PresenceEntry {
    /// The machine or program.
    pub host: String,
    /// Its address, where it is not this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What kind of device it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    /// The hardware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_identifier: Option<String>,
    /// How it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Why it is told: `self`, `connect`, `disconnect`, or what it said itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Its roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What it may do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// When it was last used, as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_input_seconds: Option<u64>,
    /// One line for people.
    pub text: String,
    /// When it was last heard of.
    pub ts: i64,
}

#[cfg(test)]
mod tests {
    use super::{ConnectParams, ProofForm};
    use serde_json::json;

    fn params() -> ConnectParams {
        serde_json::from_value(json!({
            "minProtocol": 3, "maxProtocol": 4,
            "client": {"id": "cli", "version": "1", "platform": "Linux", "mode": "cli",
                       "deviceFamily": " iPhone "},
            "scopes": ["operator.admin", "operator.talk"],
            "device": {"id": "d", "publicKey": "k", "signature": "s", "signedAt": 5, "nonce": "n"},
            "auth": {"token": "canary"}, "computerUse": {"any": 1},
        }))
        .expect("parses")
    }

    #[test]
    fn the_signed_text_has_three_forms() {
        let params = params();
        let device = params.device.as_ref().expect("there");
        let text = |form| device.signed_text(form, &params, "operator", "t");
        assert_eq!(text(ProofForm::V1), "v1|d|cli|cli|operator|operator.admin,operator.talk|5|t");
        assert_eq!(text(ProofForm::V2), "v2|d|cli|cli|operator|operator.admin,operator.talk|5|t|n");
        assert_eq!(
            text(ProofForm::V3),
            "v3|d|cli|cli|operator|operator.admin,operator.talk|5|t|n|linux|iphone"
        );
    }

    #[test]
    fn credentials_are_not_shown() {
        let params = params();
        assert!(!format!("{params:?} {:?}", params.auth).contains("canary"));
    }

    #[test]
    fn programs_that_are_not_known_are_told() {
        let mut client = params().client;
        assert_eq!(client.mistake(), None);
        client.version = String::new();
        assert!(client.mistake().is_some());
        client.version = "1".to_owned();
        client.mode = "other".to_owned();
        assert!(client.mistake().is_some_and(|mistake| mistake.contains("mode")));
    }
}
