//! A workspace on disk with the file tools over it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_core::{AgentId, CallId, SessionKey, ToolName};
use openclaw_media::MediaStore;
use openclaw_tools::{ToolCall, ToolContext, ToolError, ToolOutput, ToolPolicy, ToolRegistry};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) struct Bench {
    pub(crate) registry: ToolRegistry,
    pub(crate) media: MediaStore,
    pub(crate) cancel: CancellationToken,
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let media = MediaStore::new(folder.path().join("media"));
        let registry = ToolRegistry::builder().with_file_tools(media.clone()).build();
        let bench = Self { registry, media, cancel: CancellationToken::new(), folder };
        std::fs::create_dir(bench.root()).expect("made");
        std::fs::create_dir(bench.outside()).expect("made");
        bench
    }

    /// The workspace.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// A folder beside the workspace.
    pub(crate) fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }

    pub(crate) fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().expect("has a parent")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }

    pub(crate) fn get(&self, path: impl AsRef<Path>) -> String {
        std::fs::read_to_string(self.root().join(path)).expect("read")
    }

    pub(crate) fn context(&self) -> ToolContext {
        ToolContext {
            agent_id: AgentId::main(),
            session_key: SessionKey::main(&AgentId::main()),
            run_id: None,
            workspace: self.root(),
            commands: Arc::default(),
            cancel: self.cancel.clone(),
            output: Arc::new(|_| {}),
        }
    }

    pub(crate) async fn call(&self, name: &str, arguments: Value) -> Result<ToolOutput, ToolError> {
        self.call_under(&ToolPolicy::allow_all(), name, arguments).await
    }

    pub(crate) async fn call_under(
        &self,
        policy: &ToolPolicy,
        name: &str,
        arguments: Value,
    ) -> Result<ToolOutput, ToolError> {
        let call = ToolCall {
            call_id: CallId::new("call-1").expect("valid"),
            name: ToolName::new(name).expect("valid"),
            arguments,
        };
        self.registry.call(policy, call, self.context()).await
    }

    /// The text of a call that works.
    pub(crate) async fn text(&self, name: &str, arguments: Value) -> String {
        self.call(name, arguments).await.expect("the call works").text
    }

    /// What a call that fails tells the model.
    pub(crate) async fn refusal(&self, name: &str, arguments: Value) -> String {
        self.call(name, arguments).await.expect_err("the call fails").to_string()
    }
}
