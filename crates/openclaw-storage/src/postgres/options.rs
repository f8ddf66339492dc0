use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use openclaw_core::Secret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Executor as _, PgPool};

use crate::StorageError;

/// Whose clock leases run by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LeaseClock {
    /// The server's, which all gateways share.
    #[default]
    Server,
    /// The one the store was opened with: for tests that move time.
    Given,
}

/// How a server is spoken to.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(super) connect: PgConnectOptions,
    /// At most this many connections, at least 2.
    pub max_connections: u32,
    /// How long a free connection is waited for.
    pub acquire_timeout: Duration,
    /// Whose clock leases run by.
    pub lease_clock: LeaseClock,
}

/// Without the password, which the address holds.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("place", &self.place())
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("lease_clock", &self.lease_clock)
            .finish_non_exhaustive()
    }
}

// A gateway that stands still in the middle of a transaction holds its locks; the server ends such a
// transaction well before another gateway may take the lease over. A lock is waited for no longer.
const SESSION: &str = "SET idle_in_transaction_session_timeout = '5s';
    SET lock_timeout = '5s'; SET statement_timeout = '30s'; SET standard_conforming_strings = on;
    SET default_transaction_isolation = 'read committed'";

impl PostgresOptions {
    /// The defaults for `postgres://user:password@host:port/database`.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(url: &Secret) -> Result<Self, StorageError> {
        let parsed = PgConnectOptions::from_str(url.expose());
        // The parser's error may quote the address, which holds the password.
        let connect = parsed.map_err(|_| StorageError::Other {
            doing: "reading its address",
            source: "storage.url is not postgres://user:password@host:port/database".into(),
        })?;
        Ok(Self {
            connect: connect.application_name("openclaw").disable_statement_logging(),
            max_connections: 8,
            acquire_timeout: Duration::from_secs(5),
            lease_clock: LeaseClock::default(),
        })
    }

    /// The server and the database, without the password.
    pub(super) fn place(&self) -> String {
        let host = match self.connect.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", self.connect.get_host(), self.connect.get_port()),
        };
        let user = self.connect.get_username();
        format!("{host}/{}", self.connect.get_database().unwrap_or(user))
    }

    /// Writes leave a connection or two to reads.
    pub(super) fn writers(&self) -> usize {
        let connections = self.max_connections.max(2) as usize;
        (connections - connections.div_ceil(4)).max(1)
    }

    pub(super) fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(self.max_connections.max(2))
            .acquire_timeout(self.acquire_timeout)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(SESSION).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(self.connect.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::PostgresOptions;
    use openclaw_core::Secret;

    #[test]
    fn the_place_names_no_password() {
        let url = Secret::new("postgres://ada:canary@db.example:5433/claw?sslmode=disable");
        let options = PostgresOptions::new(&url).expect("an address");
        assert_eq!(options.place(), "db.example:5433/claw");
        let shown = format!("{options:?}");
        assert!(shown.contains("db.example") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_wrong_address_is_told_without_its_password() {
        let error = PostgresOptions::new(&Secret::new("postgres://ada:canary@host:port/x"))
            .expect_err("no port");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}
