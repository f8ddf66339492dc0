//! The filter of system calls. It lists what may be called, so that a call of another number range
//! (x32) or one that the kernel will have next year is refused too.

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use super::calls::{EVERYWHERE, HERE};

/// Everything that makes a namespace.
const NEW_NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;

/// Set-user-id and set-group-id: such a file would act for the workspace's owner outside.
const SET_IDS: u64 = 0o6000;

const FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Linux, BSD and Solaris personalities change how programs are loaded; these only ask or turn
/// address randomisation off.
const PERSONALITIES: [u64; 3] = [0, 0x0004_0000, 0xffff_ffff];

/// Puts the filter on this thread and all it will start. Sets `no_new_privs` too.
pub(super) fn apply() -> io::Result<()> {
    let program = program().map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)
}

fn program() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        EVERYWHERE.iter().chain(HERE).map(|call| (*call, Vec::new())).collect();
    let bits_unset = |argument, bits| when(argument, SeccompCmpOp::MaskedEq(bits), 0);
    // The flags of `clone3` stand in memory, out of the filter's sight; libraries fall back to `clone`.
    rules.insert(libc::SYS_clone, vec![all(vec![bits_unset(0, NEW_NAMESPACES)?])?]);
    let mut modes = vec![(libc::SYS_fchmod, 1), (libc::SYS_fchmodat, 2), (FCHMODAT2, 2)];
    #[cfg(target_arch = "x86_64")]
    modes.push((libc::SYS_chmod, 1));
    for (call, argument) in modes {
        rules.insert(call, vec![all(vec![bits_unset(argument, SET_IDS)?])?]);
    }
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_mknod, vec![all(vec![fifo(1)?])?, all(vec![plain_file(1)?])?]);
    rules.insert(libc::SYS_mknodat, vec![all(vec![fifo(2)?])?, all(vec![plain_file(2)?])?]);
    let mut sockets = Vec::new();
    for family in FAMILIES {
        sockets.push(all(vec![when(0, SeccompCmpOp::Eq, family as u64)?])?);
    }
    rules.insert(libc::SYS_socket, sockets);
    let mut personalities = Vec::new();
    for value in PERSONALITIES {
        personalities.push(all(vec![when(0, SeccompCmpOp::Eq, value)?])?);
    }
    rules.insert(libc::SYS_personality, personalities);
    // Both put characters into a terminal's input as if typed.
    let ioctl = vec![
        when(1, SeccompCmpOp::Ne, libc::TIOCSTI)?,
        when(1, SeccompCmpOp::Ne, libc::TIOCLINUX)?,
    ];
    rules.insert(libc::SYS_ioctl, vec![all(ioctl)?]);
    let refused = SeccompAction::Errno(libc::ENOSYS as u32);
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, refused, SeccompAction::Allow, arch)?.try_into()
}

/// Same number on every architecture; the C library's headers here do not have it everywhere.
const FCHMODAT2: libc::c_long = 452;

fn all(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(conditions)
}

fn when(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn fifo(argument: u8) -> Result<SeccompCondition, seccompiler::BackendError> {
    when(argument, SeccompCmpOp::MaskedEq(u64::from(libc::S_IFMT)), u64::from(libc::S_IFIFO))
}

fn plain_file(argument: u8) -> Result<SeccompCondition, seccompiler::BackendError> {
    when(argument, SeccompCmpOp::MaskedEq(u64::from(libc::S_IFMT)), u64::from(libc::S_IFREG))
}
