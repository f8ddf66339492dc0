use std::ops::ControlFlow;

use sqlx::Either;
use sqlx::sqlite::{SqliteArguments, SqliteRow};

use super::argument::Argument;
use super::connection::Connection;
use super::query;

/// Fails unless the statement before it changed exactly one row; the comparison calls back then.
///
/// It only reads: at the begin of a statement that writes an index of words that was changed in the
/// same transaction is written down, and that counts as a change of its own.
pub(super) const GUARD_CHANGED_ONE: &str = "SELECT 1
    WHERE changes() <> 1 AND '' = '' COLLATE end_of_script
    AND abs(CASE changes() WHEN 1 THEN 0 ELSE -9223372036854775807 - 1 END)";

/// Statements that go to the connection's thread together and run there one after another until one
/// fails. A trip to that thread costs more than most statements, so a batch is one script.
#[derive(Debug, Default)]
pub(super) struct Script {
    sql: String,
    arguments: SqliteArguments,
    bound: usize,
    /// For each statement, the write it belongs to; `None` for fences.
    writes: Vec<Option<usize>>,
}

impl Script {
    /// Adds a statement whose placeholders `$1`, `$2`, … are numbered by its own arguments, and
    /// returns its number.
    pub(super) fn push(
        &mut self,
        write: Option<usize>,
        sql: &'static str,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> usize {
        self.push_renumbered(sql);
        for argument in arguments {
            query::add(argument, &mut self.arguments);
            self.bound += 1;
        }
        self.writes.push(write);
        self.writes.len() - 1
    }

    fn push_renumbered(&mut self, sql: &str) {
        if !self.sql.is_empty() {
            self.sql.push(';');
        }
        let mut rest = sql;
        while let Some(at) = rest.find('$') {
            self.sql.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            // Anything else after `$` is a JSON path.
            if let Ok(number) = rest[..digits].parse::<usize>() {
                let renumbered = number + self.bound;
                self.sql.push_str(itoa(renumbered, &mut [0; 20]));
                rest = &rest[digits..];
            }
        }
        self.sql.push_str(rest);
    }

    pub(super) fn len(&self) -> usize {
        self.writes.len()
    }

    /// The write that a statement belongs to.
    pub(super) fn write_of(&self, statement: usize) -> Option<usize> {
        self.writes.get(statement).copied().flatten()
    }

    /// Runs the statements between `begin` and `end`, once: the arguments go along. The numbers in the
    /// outcome and the failure are those that [`Self::push`] gave.
    pub(super) async fn run_between(
        &mut self,
        connection: &mut Connection,
        begin: &str,
        end: &str,
    ) -> Result<Outcome, Failure> {
        let mut sql = String::with_capacity(self.sql.len() + begin.len() + end.len() + 128);
        let (before, after) = (usize::from(!begin.is_empty()), usize::from(!end.is_empty()));
        if before > 0 {
            sql.push_str(begin);
            sql.push(';');
        }
        sql.push_str(&self.sql);
        if after > 0 {
            sql.push(';');
            sql.push_str(end);
        }
        let mut outcome = Outcome::default();
        let mut ran = 0;
        let arguments = std::mem::take(&mut self.arguments);
        let run = connection.run(sql, arguments, before + self.len() + after, |item| {
            match item {
                Either::Left(done) => {
                    if ran >= before {
                        outcome.row_ids.push(done.last_insert_rowid());
                    }
                    ran += 1;
                }
                Either::Right(row) => outcome.rows.push((ran.saturating_sub(before), row)),
            }
            Ok(ControlFlow::Continue(()))
        });
        match run.await {
            Ok(()) => Ok(outcome),
            Err(error) => {
                let at = if ran < before { Place::Begin } else { Place::Statement(ran - before) };
                Err(Failure { at, error })
            }
        }
    }
}

fn itoa(mut number: usize, buffer: &mut [u8; 20]) -> &str {
    let mut start = buffer.len();
    loop {
        start -= 1;
        buffer[start] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
    }
    std::str::from_utf8(&buffer[start..]).unwrap_or_default()
}

/// What the statements of a script gave back.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    rows: Vec<(usize, SqliteRow)>,
    row_ids: Vec<i64>,
}

impl Outcome {
    /// The rows a statement returned.
    pub(super) fn rows(&self, statement: usize) -> impl Iterator<Item = &SqliteRow> {
        self.rows.iter().filter(move |(at, _)| *at == statement).map(|(_, row)| row)
    }

    /// The number of the row that was inserted last when a statement had run.
    pub(super) fn row_id(&self, statement: usize) -> i64 {
        self.row_ids.get(statement).copied().unwrap_or_default()
    }
}

/// Where a script stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the statement before the script's own.
    Begin,
    /// At this statement; the script's length stands for the one after them.
    Statement(usize),
}

/// Why a script stopped.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) at: Place,
    pub(super) error: sqlx::Error,
}

#[cfg(test)]
mod tests {
    use super::Script;
    use crate::sqlite::argument::arguments;

    #[test]
    fn placeholders_are_renumbered_and_json_paths_kept() {
        let mut script = Script::default();
        script.push(None, "SELECT $1, $2, $1", arguments![1_i64, 2_i64]);
        script.push(Some(0), "SELECT json_set($2, '$.chat', $1)", arguments![3_i64, "{}"]);
        assert_eq!(script.sql, "SELECT $1, $2, $1;SELECT json_set($4, '$.chat', $3)");
        assert_eq!(script.write_of(1), Some(0));
        assert_eq!(script.len(), 2);
    }
}
