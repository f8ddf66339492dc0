use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use openclaw_core::Timestamp;
use openclaw_protocol::typescript::connect::{ConnectParams, DeviceProof, ProofForm};
use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

/// How far the clocks of device and gateway may be apart.
const SKEW: Duration = Duration::from_secs(600);

/// With or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The key is no Ed25519 key.
    #[error("device public key invalid")]
    Key,
    /// The id is not that of the key.
    #[error("device identity mismatch")]
    Identity,
    /// It was signed too long ago, or in the future.
    #[error("device signature expired")]
    Expired,
    /// It answers no challenge, which only a client of this machine may leave out.
    #[error("device nonce required")]
    NoNonce,
    /// It answers another challenge.
    #[error("device nonce mismatch")]
    OtherNonce,
    /// It was not made with the key.
    #[error("device signature invalid")]
    Signature,
}

/// A device whose key signed the challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenDevice {
    /// The SHA-256 of the key, hexadecimal.
    pub id: String,
    /// The key, base64url.
    pub public_key: String,
}

/// Checks the proof in a `connect` against the challenge of its connection.
///
/// # Errors
/// What does not hold.
pub fn prove(
    proof: &DeviceProof,
    connect: &ConnectParams,
    role: &str,
    challenge: &str,
    is_local: bool,
    now: Timestamp,
) -> Result<ProvenDevice, ProofError> {
    let key = BASE64.decode(&proof.public_key).map_err(|_| ProofError::Key)?;
    if key.len() != 32 {
        return Err(ProofError::Key);
    }
    let id = hex::encode(Sha256::digest(&key));
    if id != proof.id {
        return Err(ProofError::Identity);
    }
    let signed_at = Timestamp::from_millis(proof.signed_at);
    if now.since(signed_at).max(signed_at.since(now)) > SKEW {
        return Err(ProofError::Expired);
    }
    let nonce = proof.nonce.as_deref().map(str::trim).filter(|nonce| !nonce.is_empty());
    let forms: &[ProofForm] = match nonce {
        Some(nonce) if nonce == challenge => &[ProofForm::V3, ProofForm::V2],
        Some(_) => return Err(ProofError::OtherNonce),
        None if is_local => &[ProofForm::V1],
        None => return Err(ProofError::NoNonce),
    };
    let signature = BASE64.decode(&proof.signature).map_err(|_| ProofError::Signature)?;
    let auth = connect.auth.as_ref();
    let token = auth
        .and_then(|auth| auth.token.as_deref().or(auth.device_token.as_deref()))
        .unwrap_or_default();
    let public = UnparsedPublicKey::new(&ED25519, &key);
    let holds = forms.iter().any(|form| {
        let text = proof.signed_text(*form, connect, role, token);
        public.verify(text.as_bytes(), &signature).is_ok()
    });
    if !holds {
        return Err(ProofError::Signature);
    }
    Ok(ProvenDevice { id, public_key: BASE64.encode(&key) })
}

#[cfg(test)]
mod tests {
    use super::{BASE64, ProofError, prove};
    use base64::Engine as _;
    use openclaw_core::Timestamp;
    use openclaw_protocol::typescript::connect::{ConnectParams, DeviceProof, ProofForm};
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
    use serde_json::json;
    use sha2::{Digest as _, Sha256};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    struct Device(Ed25519KeyPair);

    impl Device {
        fn new(seed: u8) -> Self {
            Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes"))
        }

        /// A `connect` that this device signed in a form.
        fn connect(&self, form: ProofForm, nonce: Option<&str>, signed_at: i64) -> ConnectParams {
            let key = self.0.public_key().as_ref();
            let mut params: ConnectParams = serde_json::from_value(json!({
                "minProtocol": 3, "maxProtocol": 3, "role": "operator",
                "client": {"id": "cli", "version": "1", "platform": "linux", "mode": "cli"},
                "scopes": ["operator.read"], "auth": {"token": "t"},
                "device": {"id": hex::encode(Sha256::digest(key)), "publicKey": BASE64.encode(key),
                           "signature": "", "signedAt": signed_at, "nonce": nonce},
            }))
            .expect("parses");
            let device = params.device.clone().expect("there");
            let text = device.signed_text(form, &params, "operator", "t");
            let signature = BASE64.encode(self.0.sign(text.as_bytes()));
            params.device = Some(DeviceProof { signature, ..device });
            params
        }
    }

    fn check(params: &ConnectParams, is_local: bool) -> Result<String, ProofError> {
        let device = params.device.as_ref().expect("there");
        prove(device, params, "operator", "nonce", is_local, NOW).map(|device| device.id)
    }

    #[test]
    fn a_signature_over_the_challenge_proves_a_device() {
        let device = Device::new(1);
        for form in [ProofForm::V2, ProofForm::V3] {
            let params = device.connect(form, Some("nonce"), NOW.as_millis());
            let id = check(&params, false).expect("holds");
            assert_eq!(Some(id), params.device.map(|device| device.id));
        }
        let old = device.connect(ProofForm::V1, None, NOW.as_millis());
        assert!(check(&old, true).is_ok());
        assert_eq!(check(&old, false), Err(ProofError::NoNonce));
    }

    #[test]
    fn what_was_changed_after_signing_does_not_hold() {
        let device = Device::new(1);
        let good = device.connect(ProofForm::V2, Some("nonce"), NOW.as_millis());
        let mut more = good.clone();
        more.scopes.push("operator.admin".to_owned());
        assert_eq!(check(&more, true), Err(ProofError::Signature));
        let mut other = good.clone();
        other.auth.as_mut().expect("there").token = Some("u".to_owned());
        assert_eq!(check(&other, true), Err(ProofError::Signature));
        let mut stolen = good.clone();
        let thief = Device::new(2).connect(ProofForm::V2, Some("nonce"), NOW.as_millis());
        stolen.device.as_mut().expect("there").public_key = thief.device.expect("there").public_key;
        assert_eq!(check(&stolen, true), Err(ProofError::Identity));
        let replayed = device.connect(ProofForm::V2, Some("another"), NOW.as_millis());
        assert_eq!(check(&replayed, true), Err(ProofError::OtherNonce));
        // A v1 text under a nonce, and a v2 text without one.
        let mixed = device.connect(ProofForm::V1, Some("nonce"), NOW.as_millis());
        assert_eq!(check(&mixed, true), Err(ProofError::Signature));
        for apart in [-600_001, 600_001] {
            let late = device.connect(ProofForm::V2, Some("nonce"), NOW.as_millis() + apart);
            assert_eq!(check(&late, true), Err(ProofError::Expired));
        }
        for key in ["", "!", "AAAA"] {
            let mut broken = good.clone();
            broken.device.as_mut().expect("there").public_key = key.to_owned();
            assert_eq!(check(&broken, true), Err(ProofError::Key), "{key}");
        }
    }
}
