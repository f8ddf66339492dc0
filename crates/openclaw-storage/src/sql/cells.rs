use std::borrow::Cow;
use std::error::Error;

/// Why a row is not what the tables' invariants promise.
pub(crate) type Unreadable = Box<dyn Error + Send + Sync>;
/// A value read from a row.
pub(crate) type Decoded<T> = Result<T, Unreadable>;

/// A row of an engine: all columns are text, integers or bytes, or null.
pub(crate) trait Cells {
    /// The text in a column, counted from 0.
    fn text(&self, index: usize) -> Decoded<Option<Cow<'_, str>>>;
    /// The integer in a column, counted from 0.
    fn integer(&self, index: usize) -> Decoded<Option<i64>>;
    /// The bytes in a column, counted from 0.
    fn bytes(&self, index: usize) -> Decoded<Option<Vec<u8>>>;
}
