//! What can only be seen from inside: every statement, and how SQLite would run it.

use sqlx::{Executor as _, Row as _};

use super::connection::Connection;
use super::options::SqliteOptions;
use super::{conflicts, indexer, open, plan, query, read, tally};

async fn connection(folder: &tempfile::TempDir) -> Connection {
    let options = SqliteOptions::new(folder.path().join("openclaw.db"));
    open::open(&options, "test").await.expect("the file opens").0
}

fn statements() -> Vec<&'static str> {
    let mut statements = plan::statements();
    statements.extend(read::statements());
    statements.extend(conflicts::STATEMENTS);
    statements.extend(tally::STATEMENTS);
    statements.extend(indexer::STATEMENTS);
    statements
}

#[tokio::test]
async fn every_statement_prepares() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut connection = connection(&folder).await;
    let statements = statements();
    assert!(statements.len() > 70, "{}", statements.len());
    for sql in statements {
        let prepared = connection.plain().prepare(sqlx::SqlStr::from_static(sql)).await;
        assert!(prepared.is_ok(), "{sql}: {:?}", prepared.err());
    }
}

#[tokio::test]
async fn the_release_is_one_without_the_log_reset_bug() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut connection = connection(&folder).await;
    let row = connection.plain().fetch_one("SELECT sqlite_version()").await.expect("a version");
    let version: String = row.get(0);
    let numbers: Vec<u32> =
        version.split('.').map(|part| part.parse().expect("a number")).collect();
    assert!(numbers >= vec![3, 51, 3], "{version}");
}

/// Reads that go through a list: of what is open or in trouble, of people, or page by page in the
/// order of an index.
const LISTS: &[&str] = &[
    "SCAN inbox USING COVERING INDEX inbox_open",
    "SCAN inbox USING INDEX inbox_open",
    "SCAN inbox USING INDEX sqlite_autoindex_inbox",
    "SCAN outbox USING COVERING INDEX outbox_open",
    "SCAN outbox USING INDEX outbox_open",
    "SCAN outbox USING COVERING INDEX outbox_troubled",
    "SCAN outbox USING INDEX outbox_troubled",
    "SCAN outbox USING COVERING INDEX outbox_resent",
    "SCAN sessions USING COVERING INDEX sessions_live",
    "SCAN sessions USING INDEX sessions_live_activity",
    "SCAN pairings",
];

#[tokio::test]
async fn nothing_reads_a_whole_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut connection = connection(&folder).await;
    let tables = ["sessions", "messages", "inbox", "outbox", "transcript", "events", "users"];
    for sql in statements() {
        if sql.starts_with("PRAGMA") || sql.contains("pragma_") {
            continue;
        }
        let explained = format!("EXPLAIN QUERY PLAN {sql}");
        let plan =
            query::all(&mut connection, &explained, [], |row| Ok(row.try_get::<String, _>(3)?))
                .await
                .expect("the plan");
        for step in &plan {
            let scans = tables.iter().any(|table| step.starts_with(&format!("SCAN {table}")));
            let is_list = LISTS.iter().any(|list| step.starts_with(list));
            // The newest inputs are read from the end of the table, with a limit.
            let is_recent = step == "SCAN inbox" && sql.contains("ORDER BY position DESC LIMIT");
            assert!(!scans || is_list || is_recent, "{step}\n{sql}\n{plan:#?}");
        }
    }
}

#[tokio::test]
async fn what_a_turn_reads_is_found_by_index_and_needs_no_sort() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut connection = connection(&folder).await;
    let mut checked = 0;
    for sql in statements() {
        let is_list = sql.contains("GROUP BY")
            || sql.contains("SUM(")
            || sql.contains("COUNT(")
            || sql.contains("pragma")
            || sql.starts_with("PRAGMA")
            || sql.contains("FROM pairings")
            || sql.contains("FROM jobs")
            || sql.contains("FROM job_runs")
            || sql.contains("MATCH");
        // A run's own rows, and messages of one external id, are few.
        let is_few = sql.contains("INDEXED BY outbox_run")
            || sql.contains("INDEXED BY transcript_run")
            || sql.contains("INDEXED BY messages_external");
        if is_list || is_few {
            continue;
        }
        let explained = format!("EXPLAIN QUERY PLAN {sql}");
        let plan =
            query::all(&mut connection, &explained, [], |row| Ok(row.try_get::<String, _>(3)?))
                .await
                .expect("the plan");
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
        let all_open_inputs = sql.starts_with("SELECT * FROM (SELECT");
        assert!(!sorts || all_open_inputs, "{sql}\n{plan:#?}");
        checked += 1;
    }
    assert!(checked > 60, "{checked}");
    connection.close().await.expect("closed");
}

/// What is not in `archive::TABLES` is in no export.
#[tokio::test]
async fn an_archive_knows_every_table_and_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut connection = connection(&folder).await;
    let sql = "SELECT m.name || ':' || group_concat(c.name, ', ') FROM sqlite_master m
        JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE '%search%'
        AND m.name NOT LIKE '\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%' AND m.name <> 'guard'
        GROUP BY m.name ORDER BY m.name";
    let found = query::all(&mut connection, sql, [], |row| Ok(row.try_get::<String, _>(0)?)).await;
    let sorted = |names: &str| {
        let mut names: Vec<String> = names.split(", ").map(ToOwned::to_owned).collect();
        names.sort();
        names
    };
    let mut known: Vec<(String, Vec<String>)> = crate::archive::TABLES
        .iter()
        .map(|table| (table.name.to_owned(), sorted(&table.names())))
        .collect();
    known.sort();
    let found: Vec<(String, Vec<String>)> = found
        .expect("read")
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(table, columns)| (table.to_owned(), sorted(columns)))
        .collect();
    assert_eq!(found, known);
}

#[tokio::test]
async fn a_restore_that_fails_at_its_end_leaves_the_old_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for name in ["store.db", "store.db-wal"] {
        std::fs::write(at(name), name).expect("written");
    }
    // What was to take its place is not there.
    super::archive::replace(&at("store.db"), &at("none.db")).await.expect_err("nothing to move");
    for name in ["store.db", "store.db-wal"] {
        assert_eq!(std::fs::read_to_string(at(name)).expect("there"), name);
    }
}

#[tokio::test]
async fn a_store_whose_restore_was_cut_off_is_not_begun_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let open = || {
        let clock = std::sync::Arc::new(openclaw_core::SystemClock);
        let observer = std::sync::Arc::new(crate::NoObserver);
        super::SqliteStorage::open(SqliteOptions::new(&path), clock, observer)
    };
    for name in ["store.db.before-restore", "store.db.restoring"] {
        let left = folder.path().join(name);
        std::fs::write(&left, "").expect("written");
        let error = format!("{:?}", open().await.expect_err("refused"));
        assert!(error.contains(".before-restore") && error.contains(".restoring"), "{error}");
        assert!(!path.exists());
        std::fs::remove_file(left).expect("removed");
    }
    drop(open().await.expect("a new store"));
}
