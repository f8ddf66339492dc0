//! The text of a configuration file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openclaw_config::{Environment, LoadRequest, NoChannels, validate_text};

fuzz_target!(|text: &str| {
    // Secrets may come from programs, which are not to be run here.
    if text.contains("exec") || text.contains("keyring") || text.contains("include") {
        return;
    }
    let environment = Environment::new([], "/nowhere", "/nowhere");
    drop(validate_text(&LoadRequest::new(&environment, &NoChannels), text));
});
