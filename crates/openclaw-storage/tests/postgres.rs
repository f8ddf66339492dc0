//! The suite, on a PostgreSQL server of its own.

use std::sync::Arc;

use openclaw_core::{Clock, Secret};
use openclaw_storage::CommitObserver;
use openclaw_storage::conformance::Opened;
use openclaw_storage::postgres::{LeaseClock, PostgresOptions, PostgresStorage};
use openclaw_testkit::postgres::PostgresServer;

async fn open(
    server: &PostgresServer,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn CommitObserver>,
) -> Opened {
    let url = server.empty().expect("a place");
    let mut options = PostgresOptions::new(&Secret::new(url)).expect("an address");
    options.lease_clock = LeaseClock::Given;
    let storage = PostgresStorage::open(options, clock, observer).await.expect("it opens");
    Opened { storage: Arc::new(storage), keep: Box::new(()) }
}

openclaw_storage::storage_conformance!(
    all_in_one the_engine_conforms;
    PostgresServer::start().expect("a server");
    open
);
