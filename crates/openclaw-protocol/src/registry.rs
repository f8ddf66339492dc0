//! The one list of methods.

use crate::MethodInfo;
use crate::methods as m;

/// Every method, by resource.
pub static METHODS: &[MethodInfo] = &[
    MethodInfo::of::<m::Ping>(),
    MethodInfo::of::<m::Authenticate>(),
    MethodInfo::of::<m::SessionCreate>(),
    MethodInfo::of::<m::SessionGet>(),
    MethodInfo::of::<m::SessionList>(),
    MethodInfo::of::<m::SessionUpdate>(),
    MethodInfo::of::<m::SessionDelete>(),
    MethodInfo::of::<m::SessionReset>(),
    MethodInfo::of::<m::MessageSend>(),
    MethodInfo::of::<m::MessageReceive>(),
    MethodInfo::of::<m::MessageHistory>(),
    MethodInfo::of::<m::MessageSearch>(),
    MethodInfo::of::<m::MemorySearch>(),
    MethodInfo::of::<m::MemoryIndex>(),
    MethodInfo::of::<m::MemoryStatusGet>(),
    MethodInfo::of::<m::ChannelList>(),
    MethodInfo::of::<m::ChannelStatusGet>(),
    MethodInfo::of::<m::ChannelConnect>(),
    MethodInfo::of::<m::ChannelDisconnect>(),
    MethodInfo::of::<m::AgentRun>(),
    MethodInfo::of::<m::AgentStop>(),
    MethodInfo::of::<m::AgentStatus>(),
    MethodInfo::of::<m::ToolCall>(),
    MethodInfo::of::<m::ToolList>(),
    MethodInfo::of::<m::ApprovalList>(),
    MethodInfo::of::<m::ApprovalResolve>(),
    MethodInfo::of::<m::ApprovalAllowed>(),
    MethodInfo::of::<m::ApprovalForget>(),
    MethodInfo::of::<m::PairingList>(),
    MethodInfo::of::<m::PairingApprove>(),
    MethodInfo::of::<m::DeviceList>(),
    MethodInfo::of::<m::DeviceApprove>(),
    MethodInfo::of::<m::DeviceReject>(),
    MethodInfo::of::<m::DeviceRotate>(),
    MethodInfo::of::<m::DeviceRevoke>(),
    MethodInfo::of::<m::ConfigGet>(),
    MethodInfo::of::<m::ConfigSet>(),
    MethodInfo::of::<m::ConfigSchema>(),
    MethodInfo::of::<m::GatewayStatusGet>(),
    MethodInfo::of::<m::GatewayReload>(),
    MethodInfo::of::<m::GatewayStop>(),
    MethodInfo::of::<m::GatewayRestart>(),
    MethodInfo::of::<m::CronStatus>(),
    MethodInfo::of::<m::CronList>(),
    MethodInfo::of::<m::CronAdd>(),
    MethodInfo::of::<m::CronUpdate>(),
    MethodInfo::of::<m::CronRemove>(),
    MethodInfo::of::<m::CronRun>(),
    MethodInfo::of::<m::CronRuns>(),
    MethodInfo::of::<m::KeysCreate>(),
    MethodInfo::of::<m::KeysList>(),
    MethodInfo::of::<m::BackupCreate>(),
    MethodInfo::of::<m::BackupList>(),
    MethodInfo::of::<m::KeysRevoke>(),
    MethodInfo::of::<m::KeysRotate>(),
    MethodInfo::of::<m::KeysRotateSigning>(),
    MethodInfo::of::<m::LogsTail>(),
    MethodInfo::of::<m::ModelsList>(),
    MethodInfo::of::<m::ModelsStatusGet>(),
    MethodInfo::of::<m::ModelsProbe>(),
    MethodInfo::of::<m::UsageCost>(),
    MethodInfo::of::<m::RouteExplain>(),
    MethodInfo::of::<m::Subscribe>(),
    MethodInfo::of::<m::Unsubscribe>(),
    MethodInfo::of::<m::RpcDiscover>(),
];

/// The method of this name or snake-case alias.
pub fn find(name: &str) -> Option<&'static MethodInfo> {
    METHODS.iter().find(|method| is_name_of(method, name))
}

/// Whether this is the method's name or its alias.
fn is_name_of(method: &MethodInfo, name: &str) -> bool {
    method.name == name
        || (method.name.len() == name.len()
            && !name.contains('.')
            && method
                .name
                .bytes()
                .zip(name.bytes())
                .all(|(ours, theirs)| ours == theirs || (ours == b'.' && theirs == b'_')))
}

#[cfg(test)]
mod tests {
    use super::{METHODS, find};
    use std::collections::BTreeSet;

    #[test]
    fn names_and_aliases_are_unique_and_found() {
        let mut seen = BTreeSet::new();
        for method in METHODS {
            let names = std::iter::once(method.name.to_owned()).chain(method.alias());
            for name in names {
                assert_eq!(find(&name).map(|found| found.name), Some(method.name), "{name}");
                assert!(seen.insert(name));
            }
        }
    }

    #[test]
    fn nothing_else_is_found() {
        for name in ["", "Ping", "session", "session.", "session-list", "session_list ", "event"] {
            assert!(find(name).is_none(), "{name}");
        }
    }
}
