//! The bytes of a WebSocket, in pieces: what they declare is judged before it is read.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|pieces: Vec<Vec<u8>>| openclaw_gateway::fuzzing::frames(&pieces));
