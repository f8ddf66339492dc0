use insta::assert_snapshot;

use crate::support::Home;

#[test]
fn included_files_lie_below_the_one_that_includes_them() {
    let mut home = Home::with(
        "include = [\"a.toml\", \"sub/${WHICH}.toml\"]\n[gateway]\nport = 3\n[tools]\ndeny = [\"x\"]\n",
    );
    home.set("WHICH", "b");
    home.write(
        "a.toml",
        "[gateway]\nport = 1\nmax_connections = 1\nmax_backlog = 1\n[tools]\ndeny = [\"y\", \"z\"]\n",
    );
    home.write("sub/b.toml", "include = [\"c.toml\"]\n[gateway]\nmax_backlog = 2\n");
    home.write("sub/c.toml", "[gateway]\nmax_backlog = 4\nallowed_hosts = [\"c\"]\n");
    let loaded = home.load().expect("loads");
    let gateway = &loaded.config.gateway;
    assert_eq!((gateway.port, gateway.max_connections, gateway.max_backlog), (3, 1, 2));
    assert_eq!(gateway.allowed_hosts, ["c"]);
    assert_eq!(loaded.config.tools.deny, ["x"]);
    for name in ["openclaw.toml", "a.toml", "sub/b.toml", "sub/c.toml"] {
        assert!(loaded.files.contains(&home.state().join(name)), "{name} is watched");
    }
}

#[test]
fn mistakes_in_included_files_name_the_file() {
    let home = Home::with("include = [\"sub/a.toml\"]\n[gateway]\nport = \"x\"\n");
    home.write("sub/a.toml", "# one\n[gateway]\nprot = 1\n");
    assert_snapshot!(home.errors(), @r#"
    openclaw.toml:3:8: gateway.port: expected a whole number, found a string
    sub/a.toml:3:1: gateway.prot: unknown key; allowed here: bind_address, port, max_connections, max_backlog, allowed_origins, allowed_hosts, trusted_proxies, tls, auth, rate_limit, http (did you mean "port"?)
    "#);
    home.write("sub/a.toml", "[gateway");
    assert_snapshot!(home.errors(), @"sub/a.toml:1:9: unclosed table, expected `]`");
}

#[test]
fn includes_stay_in_the_folder_and_end() {
    let home = Home::with("include = [\"a.toml\"]\n");
    let outside = home.path().join("outside.toml");
    std::fs::write(&outside, "[gateway]\nport = 1\n").expect("written");
    let errors = |text: &str| {
        home.write("a.toml", text);
        home.errors()
    };
    assert_snapshot!(errors("include = [\"../outside.toml\"]\n"), @"a.toml:1:12: include[0]: lies outside the folder of the main file");
    assert_snapshot!(errors(&format!("include = [\"{}\"]\n", outside.display())), @"a.toml:1:12: include[0]: lies outside the folder of the main file");
    std::os::unix::fs::symlink(&outside, home.state().join("link.toml")).expect("link");
    assert_snapshot!(errors("include = [\"link.toml\"]\n"), @"a.toml:1:12: include[0]: lies outside the folder of the main file");
    assert_snapshot!(errors("include = [\"openclaw.toml\"]\n"), @"a.toml:1:12: include[0]: includes itself");
    assert_snapshot!(errors("include = [\"a.toml\"]\n"), @"a.toml:1:12: include[0]: includes itself");
    assert_snapshot!(errors("include = [\"none.toml\", 5, \"${NO}\"]\n"), @r#"
    a.toml:1:12: include[0]: cannot be read: No such file or directory (os error 2)
    a.toml:1:25: include[1]: expected a file name in quotes, found an integer
    a.toml:1:28: include[2]: environment variable NO is not set or empty
    "#);
    for depth in 1..12 {
        let text = format!("include = [\"d{}.toml\"]\n", depth + 1);
        home.write(&format!("d{depth}.toml"), &text);
    }
    assert_snapshot!(errors("include = [\"d1.toml\"]\n"), @"d7.toml:1:12: include[0]: includes are nested deeper than 8");
}
