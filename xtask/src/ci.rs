//! `cargo xtask ci`.

use anyhow::Result;

use crate::sh::{cargo, run};
use crate::test::TestArguments;
use crate::{bench, test, tidy};

pub(crate) fn ci() -> Result<()> {
    run(&mut cargo(["fmt", "--all", "--check"]))?;
    run(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    tidy::tidy()?;
    run(cargo(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    test::test(&TestArguments::default())?;
    bench::instructions()
}
