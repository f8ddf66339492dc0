//! Applies one batch within a transaction.

use openclaw_core::Timestamp;

use super::codes::{is_constraint, is_uncertain_at_commit};
use super::conflicts::Inquiry;
use super::connection::Connection;
use super::outcome::Done;
use super::plan::{Grouping, Plan};
use super::script::{Failure, Place};
use crate::{Batch, Conflict};

/// What a batch is framed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// A transaction of its own.
    Transaction,
    /// A savepoint in a transaction that holds other batches too.
    Savepoint,
}

impl Scope {
    fn begin(self) -> &'static str {
        match self {
            // Taking the write lock at once: a transaction that reads first can find itself behind
            // another writer, which no waiting mends.
            Self::Transaction => "BEGIN IMMEDIATE",
            Self::Savepoint => "SAVEPOINT batch",
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Transaction => "COMMIT",
            Self::Savepoint => "RELEASE batch",
        }
    }

    fn undo(self) -> &'static str {
        match self {
            Self::Transaction => "ROLLBACK",
            Self::Savepoint => "ROLLBACK TO batch;RELEASE batch",
        }
    }
}

/// Why a batch was not applied.
#[derive(Debug)]
pub(super) enum Unapplied {
    /// A precondition did not hold; the batch is undone and the connection is sound.
    Refused(Conflict),
    /// The transaction may be gone; the connection must not be used again.
    Broken {
        error: sqlx::Error,
        /// Whether the batch may be committed all the same.
        is_uncertain: bool,
    },
}

impl From<sqlx::Error> for Unapplied {
    fn from(error: sqlx::Error) -> Self {
        Self::Broken { error, is_uncertain: false }
    }
}

/// Applies a batch in one trip where nothing speaks against it, else write by write to find the
/// conflict.
pub(super) async fn apply(
    connection: &mut Connection,
    batch: &Batch,
    now: Timestamp,
    scope: Scope,
) -> Result<Done, Unapplied> {
    let mut plan = Plan::new(batch, Grouping::PerSession, now);
    let is_framed = plan.script.len() != 1;
    let (begin, end) = if is_framed { (scope.begin(), scope.end()) } else { ("", "") };
    let failure = match plan.script.run_between(connection, begin, end).await {
        Ok(outcome) => {
            return Done::new(batch, &plan, &outcome).map_err(|error| Unapplied::Broken {
                error: sqlx::Error::Decode(error),
                is_uncertain: scope == Scope::Transaction,
            });
        }
        Err(failure) => failure,
    };
    if !is_constraint(&failure.error) {
        let commits = scope == Scope::Transaction
            && (!is_framed || failure.at == Place::Statement(plan.script.len()));
        let is_uncertain = commits && is_uncertain_at_commit(&failure.error);
        return Err(Unapplied::Broken { error: failure.error, is_uncertain });
    }
    if is_framed {
        connection.execute(scope.undo()).await?;
    }
    apply_write_by_write(connection, batch, now, scope).await
}

async fn apply_write_by_write(
    connection: &mut Connection,
    batch: &Batch,
    now: Timestamp,
    scope: Scope,
) -> Result<Done, Unapplied> {
    let mut plan = Plan::new(batch, Grouping::PerWrite, now);
    match plan.script.run_between(connection, scope.begin(), "").await {
        Ok(outcome) => {
            let done = Done::new(batch, &plan, &outcome).map_err(sqlx::Error::Decode)?;
            connection.execute(scope.end()).await.map_err(|error| {
                let is_uncertain = scope == Scope::Transaction && is_uncertain_at_commit(&error);
                Unapplied::Broken { error, is_uncertain }
            })?;
            Ok(done)
        }
        Err(failure) if is_constraint(&failure.error) => {
            let conflict = conflict(connection, batch, &plan, failure).await?;
            connection.execute(scope.undo()).await?;
            Err(Unapplied::Refused(conflict))
        }
        Err(failure) => Err(failure.error.into()),
    }
}

async fn conflict(
    connection: &mut Connection,
    batch: &Batch,
    plan: &Plan,
    failure: Failure,
) -> Result<Conflict, sqlx::Error> {
    let write = match failure.at {
        Place::Begin => None,
        Place::Statement(statement) => plan.script.write_of(statement),
    };
    let mut inquiry = Inquiry::on(connection);
    let found = match write.and_then(|index| batch.writes.get(index)) {
        None => inquiry.fence(batch).await?,
        Some(write) => inquiry.write(write).await?,
    };
    // A constraint that no precondition stands for: a fault in the tables or of ours.
    found.ok_or(failure.error)
}
