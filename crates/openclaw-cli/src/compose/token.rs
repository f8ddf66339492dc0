use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use openclaw_config::{Config, StatePaths};
use openclaw_core::{Rng, Secret};

use crate::exit::Failure;

/// The gateway's token: the owner's, else the one in the state folder, which is made when missing.
pub(crate) fn gateway_token(config: &Config, rng: &dyn Rng) -> Result<Secret, Failure> {
    if let Some(token) = &config.gateway.auth.token {
        return Ok(token.clone());
    }
    let path = StatePaths::new(&config.state_dir).gateway_token();
    let failed = |doing: &str, error: std::io::Error| {
        Failure::failed(format!("cannot {doing} {}: {error}", path.display()))
    };
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(Secret::new(text.trim())),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("read", error)),
    }
    let token: String = (0..4).map(|_| format!("{:016x}", rng.next_u64())).collect();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| failed("make", error))?;
    file.write_all(format!("{token}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| failed("write", error))?;
    Ok(Secret::new(token))
}
