use openclaw_core::AgentId;

use super::compaction::{CompactionFields, read_compaction};
use super::level::Level;
use super::limits::read_limits;
use super::sandbox::{SandboxFields, read_sandbox};
use super::schedule::{HeartbeatFields, read_heartbeat};
use super::subagents::read_subagents;
use super::tools::{ToolFields, read_tools};
use crate::{AgentRuntime, Spanned, SpendLimits, SubagentSettings, TableReader};

/// `[agents]`, not yet merged.
pub(crate) struct AgentsSection {
    pub(crate) defaults: AgentFields,
    pub(crate) list: Vec<AgentEntry>,
    pub(crate) subagents: SubagentSettings,
}

/// One of `[[agents.list]]`.
pub(crate) struct AgentEntry {
    pub(crate) id: Option<Spanned<AgentId>>,
    pub(crate) is_default: Option<Spanned<bool>>,
    pub(crate) fields: AgentFields,
    pub(crate) tools: Option<ToolFields>,
}

/// The keys that `[agents]` and its entries share; `None` in an entry takes the one of `[agents]`.
pub(crate) struct AgentFields {
    pub(crate) model: Option<Spanned<String>>,
    pub(crate) fallbacks: Option<Vec<Spanned<String>>>,
    pub(crate) image_model: Option<Spanned<String>>,
    pub(crate) limits: SpendLimits,
    pub(crate) max_context_tokens: Option<u64>,
    pub(crate) workspace: Option<Spanned<String>>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) idle_timeout_seconds: Option<u64>,
    pub(crate) sandbox: SandboxFields,
    pub(crate) heartbeat: Option<HeartbeatFields>,
    pub(crate) compaction: CompactionFields,
    pub(crate) skills: Option<Vec<String>>,
    pub(crate) runtime: Option<AgentRuntime>,
    pub(crate) pi_command: Option<Vec<String>>,
}

pub(super) fn read_agents(reader: &mut TableReader<'_>) -> AgentsSection {
    let defaults = read_fields(reader, Level::Defaults);
    let list = reader.tables(
        "list",
        "Agents besides `main`, or the settings of `main`; what an agent does not set it takes from [agents].",
        |reader| AgentEntry {
            id: reader
                .string("id", "The agent's id: 1 to 64 of a-z 0-9 _ -.")
                .parse(|text| {
                    AgentId::new(text)
                        .map_err(|error| format!("must be an agent id: {}", error.expected))
                })
                .spanned()
                .required(),
            is_default: reader
                .boolean("default", "Whether messages that no rule routes go to this agent.")
                .spanned()
                .optional(),
            fields: read_fields(reader, Level::Entry),
            tools: reader.optional_table(
                "tools",
                "The agent's own tool policy, applied after [tools].",
                |reader| read_tools(reader, Level::Entry),
            ),
        },
    );
    let subagents = reader.table(
        "subagents",
        "Subagents: sessions that an agent begins for a part of its work.",
        read_subagents,
    );
    AgentsSection { defaults, list, subagents }
}

const RUNTIMES: [(&str, AgentRuntime); 2] =
    [("native", AgentRuntime::Native), ("pi", AgentRuntime::Pi)];

fn read_fields(reader: &mut TableReader<'_>, level: Level) -> AgentFields {
    let sandbox = reader.table("sandbox", "The sandbox that commands run in.", |reader| {
        read_sandbox(reader, level)
    });
    let limits = reader.table(
        "limits",
        "What the agent may use; checked before every call of a model.",
        read_limits,
    );
    let compaction = reader.table(
        "compaction",
        "What becomes of a conversation that fills its window.",
        |reader| read_compaction(reader, level),
    );
    let pi_command = reader.table("pi", "The runtime \"pi\".", |reader| {
        reader
            .strings(
                "command",
                "The program and arguments of Pi's RPC mode. Default: pi --mode rpc.",
            )
            .optional()
    });
    let runtime = reader
        .choice("runtime", "What runs the turns. native: the gateway itself, the default; pi: the TypeScript version's agent, which has to be installed and runs outside the sandbox.", &RUNTIMES)
        .optional();
    AgentFields {
        limits,
        image_model: reader
            .string("image_model", "The model that the tool `image` asks; without it the agent's own models that see images.")
            .inert()
            .spanned()
            .optional(),
        runtime,
        pi_command,
        model: reader
            .string("model", "provider/model; a bare name is looked up among the configured providers. Without it, the default model of the first provider that has one.")
            .spanned()
            .optional(),
        fallbacks: reader
            .spanned_strings("fallbacks", "Models to try in this order when the model fails.")
            .optional(),
        max_context_tokens: reader
            .integer("max_context_tokens", "The context window in tokens; without it the model's own.", 1_024..=100_000_000)
            .optional(),
        workspace: reader
            .string("workspace", "The folder of the agent's file tools. In [agents] it is that of `main`; other agents have workspaces/<id> in the state folder unless they set one.")
            .spanned()
            .optional(),
        timeout_seconds: level.of(
            reader.integer("timeout_seconds", "The time limit of a turn.", 1..=86_400),
            600,
        ),
        idle_timeout_seconds: level.of(
            reader.integer("idle_timeout_seconds", "The longest pause between two parts of a model's answer.", 1..=3_600),
            120,
        ),
        sandbox,
        heartbeat: reader.optional_table(
            "heartbeat",
            "Looks at HEARTBEAT.md again and again; off unless `every` is set. In [agents] it holds for the default agent, and for agents with a table of their own.",
            read_heartbeat,
        ),
        compaction,
        skills: reader
            .strings("skills", "The skills that are offered, by name; without it all of them.")
            .optional(),
    }
}
