use openclaw_config::SandboxEngine;
use openclaw_tools::sandbox::{
    Bubblewrap, Ending, Engines, Helper, Namespaces, Room, Sandbox, SandboxError,
};

use crate::support::{Places, containers, docker_engine, helper, job, room, run_in, settings};

fn touch() -> openclaw_tools::sandbox::Job {
    job(&["/bin/touch", "/workspace/ran"])
}

#[tokio::test]
async fn s30_an_engine_that_is_asked_for_is_used_or_nothing() {
    let Some(docker) = docker_engine() else { return };
    let broken = Namespaces::new(Helper::program("/bin/false"));
    let absent = Bubblewrap::program("/no/bwrap", helper());
    let engines = Engines::new(broken, absent, containers(&docker, None));
    let places = Places::new();
    for engine in [SandboxEngine::Namespaces, SandboxEngine::Bubblewrap] {
        let room = Room { engine, docker: settings(&docker), ..room(&places) };
        let outcome = run_in(&engines, &room, touch()).await;
        assert!(matches!(outcome, Err(SandboxError::Unavailable(_))), "{outcome:?}");
        assert!(!places.workspace().join("ran").exists());
        assert!(engines.check(&room).await.is_err());
    }
    // Only who leaves the choice gets another.
    let room = Room { docker: settings(&docker), ..room(&places) };
    let checks = engines.check(&room).await.expect("it can be checked");
    assert!(checks[0].detail.starts_with("docker, as namespaces: "), "{:?}", checks[0]);
    let (_, ending) = run_in(&engines, &room, touch()).await.expect("it starts");
    assert_eq!((ending, engines.found()), (Ending::Code(0), Some(SandboxEngine::Docker)));
    assert!(places.workspace().join("ran").exists());
}

#[tokio::test]
async fn s30_where_no_engine_works_nothing_is_run_and_each_says_why() {
    let Some(docker) = docker_engine() else { return };
    let broken = Namespaces::new(Helper::program("/bin/false"));
    let other = Bubblewrap::program("/bin/false", helper());
    let engines = Engines::new(broken, other, containers(&docker, None));
    let places = Places::new();
    let mut room = room(&places);
    room.docker.socket = Some("/no/such/socket".into());
    let outcome = run_in(&engines, &room, touch()).await;
    let Err(SandboxError::Unavailable(message)) = outcome else { panic!("{outcome:?}") };
    for name in ["namespaces: ", "bubblewrap: ", "docker: there is no Docker engine at"] {
        assert!(message.contains(name), "{message}");
    }
    assert!(!places.workspace().join("ran").exists());
}
