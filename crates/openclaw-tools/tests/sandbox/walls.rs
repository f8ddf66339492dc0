use std::os::unix::fs::MetadataExt;

use openclaw_tools::sandbox::{Ending, GrantedPath, Helper, Namespaces, SandboxError, Streams};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Bench, Places, job, room, run_in};

pub(crate) async fn a_command_runs_in_the_workspace_and_its_files_belong_to_the_owner(
    bench: &Bench,
) {
    let places = Places::new();
    std::fs::write(places.workspace().join("in.txt"), "hello").expect("written");
    let text = "cat in.txt; echo \" $(pwd) $(id -u)\"; echo out > out.txt; exit 3";
    let (output, ending) = bench.script(&bench.room(&places), text).await;
    let expected = format!("hello /workspace {}\n", bench.user());
    assert_eq!((output, ending), (expected, Ending::Code(3)));
    let written = std::fs::metadata(places.workspace().join("out.txt")).expect("it is outside");
    assert_eq!(written.uid(), rustix::process::geteuid().as_raw());
}

pub(crate) async fn s31_the_probe_finds_every_wall_standing(bench: &Bench) {
    let places = Places::new();
    let checks = bench.engine().check(&bench.room(&places)).await.expect("it can be checked");
    // Only our own engine can give commands a user of their own, and only where it is root.
    let has_own_user = rustix::process::geteuid().is_root() && bench.is_ours();
    let may_be_open = |what: &str| !has_own_user && what == "commands run as another user";
    let open: Vec<_> =
        checks.iter().filter(|check| !check.holds && !may_be_open(&check.what)).collect();
    assert!(open.is_empty(), "{open:#?}");
    assert!(checks.len() > 14, "{checks:#?}");
}

pub(crate) async fn s31_what_is_not_its_own_cannot_be_read(bench: &Bench) {
    let places = Places::new();
    let state = places.state().display().to_string();
    let other = places.other_workspace().display().to_string();
    let text = format!(
        "cat {state}/gateway.token; cat {other}/secret; ls {state} /root /home/* /root/.ssh; cat /etc/shadow; \
         grep -rs canary /proc/1/environ /proc/self/environ /proc/*/cmdline; find / -name 'gateway.token' 2>&-; \
         cat /workspace/../{state}/gateway.token; ln -s {state} way && cat way/gateway.token; true"
    );
    let (output, ending) = bench.script(&bench.room(&places), &text).await;
    assert_eq!(ending, Ending::Code(0), "{output}");
    assert!(!output.contains("canary"), "{output}");
}

pub(crate) async fn s31_a_state_folder_inside_the_workspace_stays_hidden(bench: &Bench) {
    let places = Places::new();
    // The whole home as workspace: the state folder is in it.
    let mut room = bench.room(&places);
    room.workspace = places.home().to_owned();
    let text = "ls -A state; cat state/gateway.token; rm -rf state; mv state moved; cat moved/gateway.token; ls";
    let (output, _) = bench.script(&room, text).await;
    assert!(!output.contains("canary"), "{output}");
    let token = std::fs::read_to_string(places.state().join("gateway.token"));
    assert_eq!(token.expect("it is still there"), "canary-token");
    room.workspace = places.state().to_owned();
    let refused = bench.run(&room, job(&["/bin/true"])).await;
    assert!(matches!(refused, Err(SandboxError::Refused(_))), "{refused:?}");
}

pub(crate) async fn s31_nothing_outside_the_workspace_is_written(bench: &Bench) {
    let places = Places::new();
    let state = places.state().display().to_string();
    let text = format!(
        "for path in /usr/x /etc/x /x /bin/x /opt/x /lib/x {state}/x /workspace/../x /dev/x/y /proc/sys/kernel/core_pattern; do \
           (echo evil > $path) 2>&- && echo wrote $path; done; \
         mkdir -p {state} 2>&-; touch {state}/planted 2>&-; true"
    );
    let (output, _) = bench.script(&bench.room(&places), &text).await;
    assert_eq!(output, "");
    assert!(!places.state().join("planted").exists());
}

pub(crate) async fn s31_there_is_no_network_but_its_own(bench: &Bench) {
    let places = Places::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of the host");
    let port = listener.local_addr().expect("bound").port();
    let text = format!(
        "(echo > /dev/tcp/127.0.0.1/{port}) 2>&- && echo reached the host; \
         (echo > /dev/tcp/1.1.1.1/53) 2>&- && echo reached the internet; \
         (echo > /dev/udp/1.1.1.1/53) 2>&- && echo sent to the internet; cat /proc/net/dev | tail -n +3 | cut -d: -f1"
    );
    let (output, _) = bench.script(&bench.room(&places), &text).await;
    assert_eq!(output.trim(), "lo");
}

pub(crate) async fn s31_it_cannot_gain_rights_or_reach_other_processes(bench: &Bench) {
    let places = Places::new();
    let gateway = std::process::id();
    let text = format!(
        "kill -0 {gateway} 2>&- && echo saw the gateway; kill -9 1 2>&-; kill -9 -1 2>&-; true"
    );
    let (output, _) = bench.script(&bench.room(&places), &text).await;
    assert_eq!(output, "");
    let text = "unshare -Ur true 2>&- && echo made a namespace; mount -t tmpfs none /tmp 2>&- && echo mounted; \
         cp /bin/bash b; chmod u+s b 2>&- && echo set-id; chmod g+s b 2>&- && echo set-id; mknod d b 8 0 2>&- && echo device; \
         chroot / true 2>&- && echo chroot; nsenter -t 1 -m true 2>&- && echo entered; \
         cat /proc/kcore 2>&- | head -c 10; dmesg 2>&- | head -1; true";
    let (output, ending) = bench.script(&bench.room(&places), text).await;
    assert_eq!((output.as_str(), ending), ("", Ending::Code(0)));
    let mode = std::fs::metadata(places.workspace().join("b")).expect("copied").mode();
    assert_eq!(mode & 0o6000, 0);
    // In a container process 1 is the command itself.
    if !bench.is_docker() {
        let text = "cat /proc/1/environ /proc/1/maps 2>&- | head -c 10; true";
        assert_eq!(bench.script(&bench.room(&places), text).await.0, "");
    }
}

pub(crate) async fn s29_the_environment_is_built_from_empty(bench: &Bench) {
    let places = Places::new();
    let (output, _) = bench
        .script(&bench.room(&places), "env | sort; tr '\\0' '\\n' < /proc/self/environ | wc -l")
        .await;
    let names: Vec<&str> =
        output.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // Engines of containers name the container.
    let is_own = |name: &&str| !bench.is_docker() || !["HOSTNAME", "container"].contains(name);
    let names: Vec<&str> = names.into_iter().filter(is_own).collect();
    let expected =
        ["HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "SHLVL", "TERM", "TMPDIR", "USER", "_"];
    assert_eq!(names, expected);
}

pub(crate) async fn s29_descriptors_the_gateway_was_started_with_stay_out(bench: &Bench) {
    let places = Places::new();
    // One that is not closed on exec, as some supervisors hand over.
    let secret = std::fs::File::open(places.state().join("gateway.token")).expect("open");
    rustix::io::fcntl_setfd(&secret, rustix::io::FdFlags::empty()).expect("set");
    let (output, _) = bench
        .script(&bench.room(&places), "ls /proc/self/fd | wc -l; cat <&9 2>&-; ls -l /proc/*/fd")
        .await;
    drop(secret);
    // Three streams, and the one that `ls` reads the folder with.
    assert_eq!(output.lines().next().map(str::trim), Some("4"), "{output}");
    assert!(!output.contains("gateway.token"), "{output}");
}

#[tokio::test]
async fn s30_what_cannot_be_held_is_not_run() {
    let places = Places::new();
    let broken = Namespaces::new(Helper::program("/bin/false"));
    let outcome = run_in(&broken, &room(&places), job(&["/bin/touch", "/workspace/ran"])).await;
    let Err(error @ SandboxError::Unavailable(_)) = outcome else { panic!("{outcome:?}") };
    assert!(
        error.to_string().starts_with("the sandbox is not available, so nothing was run: "),
        "{error}"
    );
    let missing = Namespaces::new(Helper::program("/no/helper"));
    let outcome = run_in(&missing, &room(&places), job(&["/bin/touch", "/workspace/ran"])).await;
    assert!(matches!(outcome, Err(SandboxError::Unavailable(_))), "{outcome:?}");
    assert!(!places.workspace().join("ran").exists());
}

pub(crate) async fn granted_paths_are_seen_at_their_own_place(bench: &Bench) {
    let places = Places::new();
    let data = tempfile::tempdir().expect("a folder");
    std::fs::write(data.path().join("file"), "granted").expect("written");
    let mut room = bench.room(&places);
    room.paths = vec![GrantedPath { path: data.path().to_owned(), writable: false }];
    let path = data.path().display();
    let (output, _) = bench
        .script(&room, &format!("cat {path}/file; (echo x > {path}/new) 2>&- && echo wrote"))
        .await;
    assert_eq!(output, "granted");
    room.paths[0].writable = true;
    bench.script(&room, &format!("echo more >> {path}/file")).await;
    let text = std::fs::read_to_string(data.path().join("file")).expect("read");
    assert_eq!(text, "grantedmore\n");
    room.paths = vec![GrantedPath { path: "/proc".into(), writable: true }];
    let refused = bench.run(&room, job(&["/bin/true"])).await;
    assert!(matches!(refused, Err(SandboxError::Refused(_))), "{refused:?}");
}

async fn refused(bench: &Bench, room: &openclaw_tools::sandbox::Room) -> String {
    match bench.run(room, job(&["/bin/true"])).await {
        Err(SandboxError::Refused(message)) => message,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn s31_a_path_below_what_commands_may_write_is_not_granted(bench: &Bench) {
    let places = Places::new();
    let data = tempfile::tempdir().expect("a folder");
    let keep = data.path().join("keep.txt");
    std::fs::write(&keep, "mine").expect("written");
    let mut room = bench.room(&places);
    room.paths = vec![
        GrantedPath { path: data.path().to_owned(), writable: true },
        GrantedPath { path: keep.clone(), writable: false },
    ];
    let message = refused(bench, &room).await;
    assert!(message.contains("which commands may write"), "{message}");
    // Below what they may only read it stands for itself.
    room.paths[0].writable = false;
    room.paths[1].writable = true;
    let path = keep.display();
    let (output, _) = bench.script(&room, &format!("cat {path}; echo more >> {path}")).await;
    assert_eq!(output, "mine");
    assert_eq!(std::fs::read_to_string(&keep).expect("read"), "minemore\n");
    std::fs::write(places.workspace().join("own"), "x").expect("written");
    room.paths = vec![GrantedPath { path: places.workspace().join("own"), writable: false }];
    assert!(refused(bench, &room).await.contains("which commands may write"));
}

pub(crate) async fn s31_what_must_not_be_seen_is_neither_granted_nor_a_workspace(bench: &Bench) {
    let places = Places::new();
    let mut room = bench.room(&places);
    let granted = GrantedPath { path: places.state().join("gateway.token"), writable: false };
    room.paths = vec![granted];
    assert!(refused(bench, &room).await.contains("commands must not see it"));
    room.paths.clear();
    for folder in ["credentials", "workspaces", "workspaces-other"] {
        room.workspace = places.state().join(folder);
        let message = refused(bench, &room).await;
        assert!(message.contains("holds what commands must not see"), "{message}");
    }
    room.workspace = places.workspace();
    // It is there, or is it not?
    room.hidden.push(places.state().join("gateway.token/more"));
    assert!(refused(bench, &room).await.contains("cannot be looked at"));
}

pub(crate) async fn a_program_that_is_not_there_is_told(bench: &Bench) {
    let places = Places::new();
    let outcome = bench.run(&bench.room(&places), job(&["/no/such/program"])).await;
    let Err(SandboxError::NotRun(message)) = outcome else { panic!("{outcome:?}") };
    assert!(message.starts_with("cannot run /no/such/program: "), "{message}");
}

pub(crate) async fn a_terminal_is_one_and_input_arrives(bench: &Bench) {
    let places = Places::new();
    let mut with_terminal =
        job(&["/bin/bash", "-c", "test -t 0 && test -t 1 && read line && echo got $line"]);
    with_terminal.streams = Streams::Terminal;
    let mut running =
        bench.engine().start(&bench.room(&places), with_terminal).await.expect("it starts");
    let mut input = running.input.take().expect("it takes input");
    input.write_all(b"hello\n").await.expect("written");
    let mut output = String::new();
    let (read, ending) = tokio::join!(running.output.read_to_string(&mut output), running.ending);
    read.expect("read");
    assert_eq!((output.as_str(), ending), ("hello\r\ngot hello\r\n", Ending::Code(0)));
    let mut piped = job(&["/bin/cat"]);
    piped.streams = Streams::Piped;
    let mut running = bench.engine().start(&bench.room(&places), piped).await.expect("it starts");
    let mut input = running.input.take().expect("it takes input");
    input.write_all(b"through").await.expect("written");
    drop(input);
    let mut output = String::new();
    let (read, ending) = tokio::join!(running.output.read_to_string(&mut output), running.ending);
    read.expect("read");
    assert_eq!((output.as_str(), ending), ("through", Ending::Code(0)));
}
