//! The filter of system calls. It lists what may be called, so that a call of another number range
//! (x32) or one that the kernel will have next year is refused too.

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use serde_json::{Value, json};

use super::calls::{Call, EVERYWHERE, HERE};

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
    let mut filter: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for rule in rules() {
        let ways = rule.ways.iter().map(|way| {
            SeccompRule::new(way.iter().map(Test::condition).collect::<Result<Vec<_>, _>>()?)
        });
        filter.insert(rule.call.1, ways.collect::<Result<Vec<_>, _>>()?);
    }
    let refused = SeccompAction::Errno(libc::ENOSYS as u32);
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(filter, refused, SeccompAction::Allow, arch)?.try_into()
}

/// The same filter as container engines read it.
pub(crate) fn profile() -> Option<String> {
    let calls: Vec<Value> = rules().iter().flat_map(Rule::entries).collect();
    let profile = json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": libc::ENOSYS,
        "syscalls": calls,
    });
    Some(profile.to_string())
}

/// A call that may be made: in any of these ways, in each of which all tests hold; no way is no test.
struct Rule {
    call: Call,
    ways: Vec<Vec<Test>>,
}

/// A test of one argument.
#[derive(Clone, Copy)]
struct Test {
    argument: u8,
    is: Is,
}

#[derive(Clone, Copy)]
enum Is {
    Equal(u64),
    Other(u64),
    /// Of these bits, just those.
    Masked(u64, u64),
}

fn rules() -> Vec<Rule> {
    let plain = EVERYWHERE.iter().chain(HERE).map(|call| Rule { call: *call, ways: Vec::new() });
    let mut rules: Vec<Rule> = plain.collect();
    let mut add = |name, number, ways| rules.push(Rule { call: (name, number), ways });
    let test = |argument, is| Test { argument, is };
    let without = |argument, bits| vec![vec![test(argument, Is::Masked(bits, 0))]];
    // The flags of `clone3` stand in memory, out of the filter's sight; libraries fall back to `clone`.
    add("clone", libc::SYS_clone, without(0, NEW_NAMESPACES));
    add("fchmod", libc::SYS_fchmod, without(1, SET_IDS));
    add("fchmodat", libc::SYS_fchmodat, without(2, SET_IDS));
    add("fchmodat2", FCHMODAT2, without(2, SET_IDS));
    #[cfg(target_arch = "x86_64")]
    add("chmod", libc::SYS_chmod, without(1, SET_IDS));
    let kind = |argument, kind: libc::mode_t| {
        vec![test(argument, Is::Masked(u64::from(libc::S_IFMT), u64::from(kind)))]
    };
    let nodes = |argument| vec![kind(argument, libc::S_IFIFO), kind(argument, libc::S_IFREG)];
    #[cfg(target_arch = "x86_64")]
    add("mknod", libc::SYS_mknod, nodes(1));
    add("mknodat", libc::SYS_mknodat, nodes(2));
    let one_of =
        |values: &[u64]| values.iter().map(|value| vec![test(0, Is::Equal(*value))]).collect();
    add("socket", libc::SYS_socket, one_of(&FAMILIES.map(|family| family as u64)));
    add("personality", libc::SYS_personality, one_of(&PERSONALITIES));
    // Both put characters into a terminal's input as if typed.
    let typed = [libc::TIOCSTI, libc::TIOCLINUX].map(|request| test(1, Is::Other(request)));
    add("ioctl", libc::SYS_ioctl, vec![typed.into()]);
    rules
}

/// Same number on every architecture; the C library's headers here do not have it everywhere.
const FCHMODAT2: libc::c_long = 452;

impl Test {
    fn condition(&self) -> Result<SeccompCondition, seccompiler::BackendError> {
        let (operator, value) = match self.is {
            Is::Equal(value) => (SeccompCmpOp::Eq, value),
            Is::Other(value) => (SeccompCmpOp::Ne, value),
            Is::Masked(mask, value) => (SeccompCmpOp::MaskedEq(mask), value),
        };
        SeccompCondition::new(self.argument, SeccompCmpArgLen::Dword, operator, value)
    }

    fn entry(&self) -> Value {
        let (operator, value, second) = match self.is {
            Is::Equal(value) => ("SCMP_CMP_EQ", value, 0),
            Is::Other(value) => ("SCMP_CMP_NE", value, 0),
            Is::Masked(mask, value) => ("SCMP_CMP_MASKED_EQ", mask, value),
        };
        json!({ "index": self.argument, "value": value, "valueTwo": second, "op": operator })
    }
}

impl Rule {
    fn entries(&self) -> Vec<Value> {
        let entry = |tests: &[Test]| {
            let tests: Vec<Value> = tests.iter().map(Test::entry).collect();
            json!({ "names": [self.call.0], "action": "SCMP_ACT_ALLOW", "args": tests })
        };
        // Engines read several tests of one argument as any of them.
        match self.ways.as_slice() {
            [] => vec![entry(&[])],
            [way] if way.len() > 1 => vec![entry(&[])],
            ways => ways.iter().map(|way| entry(way)).collect(),
        }
    }
}
