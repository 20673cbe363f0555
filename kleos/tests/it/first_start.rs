//! The first start on a machine: what it makes, what it says, and that both work.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use crate::home::{Ports, wait_until_ready};
use crate::process::{PROGRAM, Running, kleos, run, until};

/// What is made, with `@…@` for what every start makes anew.
const TEMPLATE: &str = include_str!("../../src/first-start.toml");

/// Where the processes of a configuration that nobody changed listen.
const DEFAULT_ADMIN: u16 = 9090;

/// What `text` has in the place of each `@…@`; fails where it has another word elsewhere.
#[track_caller]
fn filled_in(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    assert_eq!(text.lines().count(), TEMPLATE.lines().count(), "{text}");
    for (line, template) in text.lines().zip(TEMPLATE.lines()) {
        let parts: Vec<&str> = template.split('@').collect();
        let [before, _, after] = parts.as_slice() else {
            assert_eq!(line, template);
            continue;
        };
        let token = line.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        tokens
            .push(token.unwrap_or_else(|| panic!("{line}, where {template} was to be")).to_owned());
    }
    tokens
}

/// The first start, which finds the admin port taken: so it makes everything and then stops,
/// whatever else runs on the machine.
fn first_start(directory: &Path) -> String {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    // If another process has it, that does as well.
    let held = TcpListener::bind(("127.0.0.1", DEFAULT_ADMIN));
    let ended = kleos(directory, &["up"]);
    drop(held);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("cannot listen on 127.0.0.1:9090 for the admin port"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("or configure another port"), "{ended:?}");
    ended.stdout
}

/// Takes the comments off the lines about ports, and puts other ports there.
fn move_ports(path: &Path) -> Ports {
    let ports = Ports::free();
    let mut text = std::fs::read_to_string(path).unwrap();
    for (line, port) in [
        ("# admin = \"127.0.0.1:9090\"", ports.admin),
        ("# listen = \"127.0.0.1:8080\"", ports.gateway),
        ("# listen = \"127.0.0.1:8081\"", ports.rules),
    ] {
        assert_eq!(text.matches(line).count(), 1, "{line} in {text}");
        let (key, _) = line.strip_prefix("# ").unwrap().split_once(" = ").unwrap();
        text = text.replace(line, &format!("{key} = \"127.0.0.1:{port}\""));
    }
    std::fs::write(path, text).unwrap();
    ports
}

/// The commands below a line of what `kleos up` says, as they are printed.
fn commands_below(said: &str, title: &str) -> String {
    let (_, rest) = said.split_once(title).unwrap_or_else(|| panic!("{title} in {said}"));
    let lines = rest.lines().skip(1).take_while(|line| line.starts_with("  "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Has a shell run what was printed, with the program found by its name.
fn in_shell(directory: &Path, commands: &str) -> crate::process::Ended {
    let programs = Path::new(PROGRAM).parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-ec", commands]).current_dir(directory).env("PATH", path).env("no_proxy", "*");
    run(&mut shell)
}

#[test]
fn the_first_start_makes_the_documented_configuration_with_tokens_of_its_own() {
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut tokens = Vec::new();
    for directory in &directories {
        let said = first_start(directory.path());
        assert_eq!(said, "Made kleos-data/kleos.toml with tokens of its own.\n");
        let path = directory.path().join("kleos-data/kleos.toml");
        tokens.extend(filled_in(&std::fs::read_to_string(&path).unwrap()));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let data = std::fs::metadata(directory.path().join("kleos-data")).unwrap();
        assert_eq!(data.permissions().mode() & 0o777, 0o700);
    }
    assert_eq!(tokens.len(), 8);
    for token in &tokens {
        assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
        assert_eq!(tokens.iter().filter(|other| *other == token).count(), 1);
    }
    // A second start finds it, and makes nothing.
    let made = directories[0].path().join("kleos-data/kleos.toml");
    let before = std::fs::read(&made).unwrap();
    assert_eq!(first_start(directories[0].path()), "");
    assert_eq!(std::fs::read(&made).unwrap(), before);
}

#[test]
fn what_the_start_says_to_do_works_as_it_is_printed() {
    let directory = tempfile::tempdir().unwrap();
    first_start(directory.path());
    let ports = move_ports(&directory.path().join("kleos-data/kleos.toml"));
    let mut up = Running::start(directory.path(), &["up"]);
    wait_until_ready(ports.admin);
    up.wait_for("tail awards --all");
    let said = up.said();
    let webhooks = format!("Kleos is up. Webhooks: http://127.0.0.1:{}", ports.gateway);
    assert!(said.contains(&webhooks), "{said}");
    assert!(said.contains("the sink is off"), "{said}");

    let sent = in_shell(directory.path(), &commands_below(&said, "Send an event:")).fine();
    assert!(sent.contains("\"result\":\"accepted\""), "{sent}");
    let look = commands_below(&said, "See what came of it:");
    let (learner, tail) = look.split_once('\n').unwrap();
    let told = until("points", || {
        let asked = in_shell(directory.path(), learner);
        asked.stdout.contains("balance  10 points").then_some(asked.stdout)
    });
    assert!(told.contains("custom-demo/1 of demo"), "{told}");
    let awards = in_shell(directory.path(), &format!("{tail} --end")).fine();
    assert!(awards.contains("\"rule_id\":\"lesson_completion\""), "{awards}");
    up.stop();
}
