//! What Telegram sends.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| openclaw_channel_telegram::fuzzing::updates(bytes));
