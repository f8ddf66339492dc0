//! JSON Web Tokens as this gateway makes and reads them: compact form, EdDSA (Ed25519) alone.
//!
//! `ring` signs and verifies; a library of many algorithms would bring those that must be refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openclaw_protocol::ScopeSet;
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

/// The longest token looked at; ours are about 400 bytes.
const LONGEST: usize = 4 << 10;
pub(super) const ISSUER: &str = "openclaw";
const ALGORITHM: &str = "EdDSA";
const TYPE: &str = "at+jwt";

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// What a token says. Times are seconds since the epoch, as RFC 7519 has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    /// The principal.
    pub(super) sub: String,
    /// The credential that it was issued for, in the state it had then.
    pub(super) cred: String,
    pub(super) scopes: ScopeSet,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: String,
}

/// A token taken apart; its signature is not checked yet.
pub(super) struct Unverified<'a> {
    pub(super) kid: String,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// Whether a text has the form of a token.
pub(super) fn looks_like(text: &str) -> bool {
    text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Signs claims.
pub(super) fn sign(
    kid: &str,
    key: &Ed25519KeyPair,
    claims: &Claims,
) -> Result<String, serde_json::Error> {
    let header = Header { alg: ALGORITHM.to_owned(), typ: TYPE.to_owned(), kid: kid.to_owned() };
    let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?);
    let signed = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

impl<'a> Unverified<'a> {
    /// Takes a token apart; `None` for what is none of ours.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.alg != ALGORITHM || header.typ != TYPE {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { kid: header.kid, signed, payload, signature })
    }

    /// The claims, if this public key's owner signed them.
    pub(super) fn verify(&self, public_key: &[u8]) -> Option<Claims> {
        let key = UnparsedPublicKey::new(&ED25519, public_key);
        key.verify(self.signed.as_bytes(), &self.signature).ok()?;
        let payload = URL_SAFE_NO_PAD.decode(self.payload).ok()?;
        let claims: Claims = serde_json::from_slice(&payload).ok()?;
        (claims.iss == ISSUER).then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::{Claims, ISSUER, Unverified, looks_like, sign};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use openclaw_protocol::ScopeSet;
    use proptest::prelude::*;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed")
    }

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.to_owned(),
            sub: "owner".to_owned(),
            cred: "password:1".to_owned(),
            scopes: ScopeSet::all(),
            iat: 1,
            exp: 2,
            jti: "x".to_owned(),
        }
    }

    #[test]
    fn what_was_signed_is_read_with_the_right_key_alone() {
        let token = sign("k1", &pair(1), &claims()).expect("signs");
        assert!(looks_like(&token));
        let read = Unverified::parse(&token).expect("parses");
        assert_eq!(read.kid, "k1");
        assert_eq!(read.verify(pair(1).public_key().as_ref()), Some(claims()));
        assert_eq!(read.verify(pair(2).public_key().as_ref()), None);
        assert_eq!(read.verify(&[]), None);
    }

    #[test]
    fn no_other_algorithm_is_read() {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).expect("JSON"));
        for header in [
            r#"{"alg":"none","typ":"at+jwt","kid":"k1"}"#,
            r#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#,
            r#"{"alg":"EdDSA","typ":"JWT","kid":"k1"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt"}"#,
        ] {
            let token = format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(header));
            assert!(Unverified::parse(&token).is_none(), "{header}");
        }
        let foreign = Claims { iss: "somebody".to_owned(), ..claims() };
        let token = sign("k1", &pair(1), &foreign).expect("signs");
        let read = Unverified::parse(&token).expect("parses");
        assert_eq!(read.verify(pair(1).public_key().as_ref()), None);
    }

    proptest! {
        #[test]
        fn one_changed_character_spoils_a_token(at in 0_usize..300, to in "[A-Za-z0-9_.-]") {
            let token = sign("k1", &pair(1), &claims()).expect("signs");
            let at = at % token.len();
            let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            prop_assume!(changed != token);
            let verified = Unverified::parse(&changed)
                .filter(|read| read.kid == "k1")
                .and_then(|read| read.verify(pair(1).public_key().as_ref()));
            prop_assert_eq!(verified, None);
        }

        #[test]
        fn any_text_is_parsed_without_harm(text in ".{0,200}") {
            if let Some(read) = Unverified::parse(&text) {
                prop_assert_eq!(read.verify(pair(1).public_key().as_ref()), None);
            }
        }
    }
}
