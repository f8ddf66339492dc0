//! What can only be seen from inside: every statement, and how the server would run it.

use openclaw_core::Secret;
use openclaw_testkit::postgres::PostgresServer;
use sqlx::{ConnectOptions as _, Executor as _, Row as _, SqlStr};

use super::options::PostgresOptions;
use super::{open, read, write};
use crate::sql::conflicts;

fn statements() -> Vec<&'static str> {
    let mut statements = write::statements();
    statements.extend(read::statements());
    statements.extend(conflicts::STATEMENTS);
    statements
}

#[tokio::test]
async fn every_statement_prepares_and_what_a_turn_does_goes_by_an_index() {
    let server = PostgresServer::start().expect("a server");
    let url = Secret::new(server.empty().expect("a place"));
    let options = PostgresOptions::new(&url).expect("an address");
    open::prepare(&options, "test").await.expect("the tables are made");
    let mut connection = options.connect.connect().await.expect("a connection");
    // With empty tables the planner likes scans, which would hide a missing index.
    for setting in ["SET enable_seqscan = off", "SET plan_cache_mode = force_generic_plan"] {
        connection.execute(setting).await.expect("set");
    }
    let statements = statements();
    assert!(statements.len() > 70, "{}", statements.len());
    let tables = ["sessions", "messages", "inbox", "outbox", "transcript", "events", "users"];
    for (number, sql) in statements.into_iter().enumerate() {
        let prepared = connection.prepare(SqlStr::from_static(sql)).await;
        assert!(prepared.is_ok(), "{sql}: {:?}", prepared.err());
        let parameters = (1..=30).filter(|at| sql.contains(&format!("${at}"))).count();
        let name = format!("planned_{number}");
        let nulls = vec!["NULL"; parameters].join(", ");
        let given = if parameters == 0 { String::new() } else { format!("({nulls})") };
        let prepare = format!("PREPARE {name} AS {sql}");
        connection.execute(sqlx::AssertSqlSafe(prepare)).await.expect("prepared");
        let explain = format!("EXPLAIN EXECUTE {name}{given}");
        let plan = connection.fetch_all(sqlx::AssertSqlSafe(explain)).await.expect("planned");
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let scans = |line: &String| {
            tables.iter().any(|table| line.contains(&format!("Seq Scan on {table} ")))
        };
        assert!(!plan.iter().any(scans), "{sql}\n{plan:#?}");
    }
}
