//! Names and small forms that come from outside: session keys, times, pairing codes, file names, the
//! first bytes of files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openclaw_channel_traits::{mention, pairing};
use openclaw_core::{SessionKey, Timestamp};
use openclaw_media::{is_text, sanitise_file_name, sniff};

fuzz_target!(|bytes: &[u8]| {
    drop(sniff(bytes));
    is_text(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = text.parse::<SessionKey>() {
        assert_eq!(key.as_str().parse::<SessionKey>().as_ref(), Ok(&key));
    }
    if let Some(time) = Timestamp::parse_rfc3339(text) {
        assert_eq!(Timestamp::parse_rfc3339(&time.to_string()), Some(time));
    }
    pairing::normalise(text);
    drop(mention::normalise(text));
    if let Some(name) = sanitise_file_name(text) {
        assert!(!name.contains(['/', '\\', '\0']));
    }
});
