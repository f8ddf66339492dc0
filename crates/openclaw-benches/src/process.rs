//! What the system says of processes.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::unistd::{SysconfVar, sysconf};

/// CPU time, user and system, that a process has used.
///
/// # Errors
/// When there is no such process.
pub fn cpu_of(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold spaces; fields are counted behind its closing parenthesis.
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields.get(11).context("utime")?.parse::<u64>()?
        + fields.get(12).context("stime")?.parse::<u64>()?;
    let per_second = sysconf(SysconfVar::CLK_TCK)?.context("CLK_TCK")?;
    Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

/// Lets this process, and those that it starts from now on, open so many files.
///
/// # Errors
/// When the system does not allow as many.
pub fn allow_files(wanted: u64) -> Result<()> {
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if now < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, most.max(wanted))?;
    }
    Ok(())
}

/// Resident memory of a process in bytes.
///
/// # Errors
/// When there is no such process.
pub fn rss_of(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    let kib: u64 = line.split_whitespace().nth(1).context("VmRSS")?.parse()?;
    Ok(kib * 1024)
}

/// What one command costs on average: CPU time, and the largest memory of any run in bytes.
///
/// # Errors
/// When the command cannot be started or fails.
pub fn cost_of(
    program: &std::path::Path,
    arguments: &[&str],
    runs: u32,
) -> Result<(Duration, u64)> {
    let before = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    for _ in 0..runs {
        let status = Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        anyhow::ensure!(status.success(), "{} {arguments:?} failed: {status}", program.display());
    }
    let after = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = |usage: &nix::sys::resource::Usage| {
        let (user, system) = (usage.user_time(), usage.system_time());
        (user.tv_sec() + system.tv_sec()) * 1_000_000 + user.tv_usec() + system.tv_usec()
    };
    let spent = u64::try_from(micros(&after) - micros(&before))?;
    Ok((Duration::from_micros(spent / u64::from(runs)), u64::try_from(after.max_rss())? * 1024))
}
