use openclaw_config::DockerSettings;
use openclaw_tools::sandbox::{Ending, Sandbox, SandboxError};
use tokio::io::AsyncReadExt;

use crate::support::{Places, containers, docker_engine, job, room, run_in, settings};

#[tokio::test]
async fn s30_without_an_engine_or_its_image_nothing_is_run() {
    let Some(docker) = docker_engine() else { return };
    let (places, sandbox) = (Places::new(), containers(&docker, None));
    let mut room = room(&places);
    let nowhere = Some("/no/such/socket".into());
    for (settings, words) in [
        (DockerSettings { socket: nowhere, ..settings(&docker) }, "no Docker engine at"),
        (
            DockerSettings { image: "localhost/nothing:1".to_owned(), ..settings(&docker) },
            "docker pull",
        ),
    ] {
        room.docker = settings;
        let outcome = run_in(&sandbox, &room, job(&["/bin/touch", "/workspace/ran"])).await;
        let Err(SandboxError::Unavailable(message)) = outcome else { panic!("{outcome:?}") };
        assert!(message.contains(words), "{message}");
    }
    assert!(!places.workspace().join("ran").exists());
}

#[tokio::test]
async fn containers_of_a_killed_gateway_are_removed_and_no_others() {
    let Some(docker) = docker_engine() else { return };
    let (places, killed) = (Places::new(), containers(&docker, None));
    let mut room = room(&places);
    room.docker = settings(&docker);
    let mut left = killed.start(&room, job(&["/bin/sleep", "600"])).await.expect("it starts");
    let owner = format!("label=ai.openclaw.gateway=test-{}", std::process::id());
    let filter = ["ps", "-a", "-q", "--filter", &owner];
    let count = || docker.podman(&filter).expect("listed").lines().count();
    assert_eq!(count(), 1);
    // Its own are left alone.
    assert_eq!(killed.sweep(&room.docker).await.expect("swept"), 0);
    assert_eq!(count(), 1);
    let next = containers(&docker, None);
    assert_eq!(next.sweep(&room.docker).await.expect("swept"), 1);
    assert_eq!(count(), 0);
    let mut rest = Vec::new();
    left.output.read_to_end(&mut rest).await.expect("read");
    assert!(matches!(left.ending.await, Ending::Code(_) | Ending::Broken(_)));
}
