use std::collections::BTreeMap;
use std::sync::Arc;

use openclaw_channel_traits::Reconcile;
use openclaw_config::{ChannelTable, Config, Environment, LoadRequest, NoChannels, validate_text};
use openclaw_core::Rng as _;
use openclaw_testkit::SeededRng;

use crate::channel::kind;

const MODES: [&str; 4] = ["queue", "batch", "immediate", "interrupt"];
const RECONCILES: [Reconcile; 3] =
    [Reconcile::Neither, Reconcile::LooksUp, Reconcile::Deduplicates];

/// What is the same through all lives of a seed and differs between seeds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    mode: &'static str,
    on_uncertain: &'static str,
    /// What the service can say of a send whose outcome is not known.
    pub(crate) reconcile: Reconcile,
    /// Whether answers are shown while they are written.
    pub(crate) streams: bool,
    /// How many gateways share the store.
    pub(crate) gateways: usize,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Self {
        let dice = SeededRng::new(seed ^ 0x91a_4ed);
        Self {
            mode: MODES[(seed % 4) as usize],
            on_uncertain: if dice.below(4) == 0 { "skip" } else { "resend" },
            reconcile: RECONCILES[dice.below(3) as usize],
            streams: dice.below(2) == 0,
            gateways: 1 + dice.below(2) as usize,
        }
    }

    /// One gateway on a service without features.
    pub(crate) fn calm() -> Self {
        Self {
            mode: MODES[0],
            on_uncertain: "resend",
            reconcile: Reconcile::Neither,
            streams: false,
            gateways: 1,
        }
    }

    /// With more settings of `[session]`.
    pub(crate) fn config(&self, session: &str) -> Arc<Config> {
        let environment = Environment::new([], "/nowhere", "/nowhere");
        let text = format!(
            "[session]\nqueue_mode = \"{}\"\n{session}\n[delivery]\non_uncertain = \"{}\"\n",
            self.mode, self.on_uncertain
        );
        let loaded = validate_text(&LoadRequest::new(&environment, &NoChannels), &text)
            .expect("the configuration is good");
        let table = ChannelTable::from_toml(kind(), "", &environment).expect("an empty table");
        let mut config = Config::clone(&loaded.config);
        config.channels = BTreeMap::from([(kind(), table)]);
        Arc::new(config)
    }
}
