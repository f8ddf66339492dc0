//! openclaw
fn main() {}
