use std::sync::Arc;

use openclaw_agents::mcp::Programs;
use openclaw_config::Environment;
use openclaw_media::Fetcher;
use openclaw_tools::egress::Egress;
use openclaw_tools::sandbox::{Helper, Host, Namespaces};

use super::commands::HOST_VARIABLES;

/// What runs the programs of MCP servers.
pub(crate) fn programs(environment: &Environment, fetcher: Fetcher) -> Programs {
    let egress = Arc::new(Egress::new(fetcher));
    let host = HOST_VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), environment.var(name)?.to_owned())));
    Programs {
        host: Arc::new(Host::new(Helper::this_program(), host.collect())),
        sandbox: Arc::new(Namespaces::with_egress(Helper::this_program(), egress)),
    }
}
