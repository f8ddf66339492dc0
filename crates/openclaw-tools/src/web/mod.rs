//! `web_fetch` and `web_search`. Whatever comes from there is a stranger's words: it is handed to the
//! model between marks that the words cannot hold.

mod fetch;
mod readable;
mod search;
mod services;
mod skipping;

pub use fetch::{WebFetchArgs, WebFetchTool};
pub use search::{WebSearchArgs, WebSearchTool};
