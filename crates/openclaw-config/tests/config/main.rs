//! The configuration through its public interface, on real files in a folder of its own.

mod channels;
mod editing;
mod errors;
mod garbage;
mod includes;
mod keys;
mod last_good;
mod loading;
mod mcp;
mod models;
mod reload;
mod schema;
mod secrets;
mod showing;
mod support;
mod watching;
