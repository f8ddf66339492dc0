//! Another process that writes to the database.

use std::path::Path;

use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// Keeps everybody else from writing to a database.
#[derive(Debug)]
pub(crate) struct WriteLock(SqliteConnection);

impl WriteLock {
    /// Takes the lock; a write that is under way is waited for.
    pub(crate) async fn take(database: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(database).busy_timeout(super::LIMIT);
        let mut connection = options.connect().await.expect("the database can be opened");
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .expect("the database can be locked");
        Self(connection)
    }

    /// Lets the others write.
    pub(crate) async fn release(self) {
        self.0.close().await.expect("the connection can be closed");
    }
}
