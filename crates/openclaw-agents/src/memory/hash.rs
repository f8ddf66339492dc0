use sha2::{Digest as _, Sha256};

/// The hash of a text, as chunks and files are known by it.
pub(super) fn hash_of(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}
