//! What the process sets for itself before it does anything.

use std::process::ExitCode;

/// `--version` and `-V` alone cost nothing, and the sandbox's helpers must have one thread.
#[expect(clippy::print_stdout, reason = "this is what was asked for")]
pub(crate) fn answer_at_once() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next()?;
    if first == openclaw_tools::sandbox::HELPER_ARGUMENT {
        let all: Vec<String> = std::env::args_os()
            .skip(1)
            .filter_map(|argument| argument.into_string().ok())
            .collect();
        return openclaw_tools::sandbox::run_helper(&all);
    }
    if arguments.next().is_none() && (first == "--version" || first == "-V") {
        println!("openclaw {}", env!("CARGO_PKG_VERSION"));
        return Some(ExitCode::SUCCESS);
    }
    None
}

/// File modes, the allocator's limits, the TLS provider.
pub(crate) fn prepare() {
    set_umask();
    tame_allocator();
    // Fails only when one is installed already, which is then as good.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider was installed already");
    }
}

/// What this process makes is the owner's alone.
fn set_umask() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Few arenas, and memory given back after a burst, but not after every turn: a turn that fetches
/// it anew each time pays a tenth more.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "mallopt has no safe wrapper; it only sets numbers, before any thread is made"
)]
fn tame_allocator() {
    const KEPT: libc::c_int = 4 * 1024 * 1024;
    const STEP: libc::c_int = 1024 * 1024;
    // SAFETY: plain calls of libc with constants, in a process that has one thread.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_TOP_PAD, STEP);
        libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn tame_allocator() {}
