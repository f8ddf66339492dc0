//! A strict fake of three search services on one port: Brave Search, Tavily and SearXNG, each as its
//! own documentation describes requests and answers. What is not as described there is refused, and
//! noted.

mod server;

pub use server::{SearchHit, SearchServer};
