//! What a caller offers as a credential.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| openclaw_gateway::fuzzing::credential(text));
