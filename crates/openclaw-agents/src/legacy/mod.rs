//! The TypeScript version's own agent, Pi, as a runtime beside the native one.
//!
//! A session has one child process, which speaks Pi's RPC mode: JSON lines on its standard input and
//! output. Pi keeps its own conversation in a file; what it says and does is stored in the session's
//! transcript as well, so that history, search and a change back to the native runtime find it whole.
//!
//! Pi runs its own tools, outside the sandbox and without asking. So it runs only where the
//! configuration wants neither: anything else is refused.

mod child;
mod error;
mod fit;
mod home;
mod pool;
mod runtime;
mod turn;
mod wire;

pub use runtime::{PiDeps, Runtimes};
