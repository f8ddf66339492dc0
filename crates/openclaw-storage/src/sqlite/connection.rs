use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::{FutureExt, Stream, TryStreamExt};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteQueryResult, SqliteRow,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Either, Executor as _};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

/// What a statement gives: its rows, then that it is done.
pub(super) type Item = Either<SqliteQueryResult, SqliteRow>;

/// Ends a text of statements. Comparing by this collation calls back from the connection's thread.
const ANNOUNCE_END: &str = "SELECT 1 WHERE '' = 'end' COLLATE end_of_script";
/// How long the callback is waited for at most before the results are looked at all the same.
const WATCH_INTERVAL: Duration = Duration::from_millis(20);

/// A connection, which is a thread of its own, and a signal that it has reached the end of a text.
///
/// The thread hands every row and every statement's end to the task that waits, and wakes it each
/// time: for a batch of ten statements that costs more than the statements. So the first look at the
/// results only sends the text off, and the next one follows the callback at its end, when all
/// results are there. A text that fails does not reach its end; a broken precondition calls back
/// too, and for other failures the watch brings the look. Nothing but speed depends on the signal.
#[derive(Debug)]
pub(super) struct Connection {
    inner: SqliteConnection,
    at_end: Arc<Notify>,
    /// Set again only when it has run out: a timer for each text would wake the runtime's driver.
    watch: Pin<Box<Sleep>>,
}

impl Connection {
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let at_end = Arc::new(Notify::new());
        let signal = Arc::clone(&at_end);
        let options = options.collation("end_of_script", move |_, _| {
            signal.notify_one();
            Ordering::Equal
        });
        let watch = Box::pin(tokio::time::sleep(Duration::ZERO));
        Ok(Self { inner: options.connect().await?, at_end, watch })
    }

    /// The connection for single statements.
    pub(super) fn plain(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }

    /// Runs a statement without arguments and results.
    pub(super) async fn execute(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.inner.execute(sql).await?;
        Ok(())
    }

    /// Runs statements and shows each item to `visit` until that breaks, the last statement is done,
    /// or one fails.
    pub(super) async fn run(
        &mut self,
        mut sql: String,
        arguments: SqliteArguments,
        statements: usize,
        mut visit: impl FnMut(Item) -> Result<ControlFlow<()>, sqlx::Error> + Send,
    ) -> Result<(), sqlx::Error> {
        sql.push(';');
        sql.push_str(ANNOUNCE_END);
        // A text that broke off earlier may have announced its end since.
        self.at_end.notified().now_or_never();
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
        let mut items = pin!(self.inner.fetch_many(query));
        let sent_off = items.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
        let mut next = match sent_off {
            Poll::Ready(item) => item.transpose()?,
            Poll::Pending => {
                if self.watch.is_elapsed() {
                    self.watch.as_mut().reset(Instant::now() + WATCH_INTERVAL);
                }
                // Both may be dropped: what they bring is only when to look.
                tokio::select! {
                    biased;
                    () = self.at_end.notified() => {}
                    () = self.watch.as_mut() => {}
                }
                items.try_next().await?
            }
        };
        let mut done = 0;
        while let Some(item) = next {
            done += usize::from(item.is_left());
            if visit(item)?.is_break() || done == statements {
                break;
            }
            next = items.try_next().await?;
        }
        Ok(())
    }

    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        self.inner.close().await
    }
}
