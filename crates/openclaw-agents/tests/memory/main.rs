//! What agents can search: indexing, ranking, services that fail, and recall on a fixed set of notes.

mod indexing;
mod recall;
mod services;
mod sessions;
mod support;
