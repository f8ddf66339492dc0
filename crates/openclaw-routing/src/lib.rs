//! openclaw-routing
