//! What can be typed, and how a wrong call ends.

use std::process::Command;

use crate::home::Home;
use crate::process::run;

#[test]
fn a_wrong_call_ends_with_code_2_and_says_what_to_type() {
    let home = Home::new();
    for (arguments, expected) in [
        (&[][..], "Usage: kleos"),
        (&["upp"][..], "unrecognized subcommand 'upp'"),
        (&["up", "--datta", "x"][..], "unexpected argument '--datta'"),
        (&["up", "extra"][..], "unexpected argument 'extra'"),
        (&["learner", "demo"][..], "<LEARNER>"),
        (&["topics"][..], "Usage: kleos topics"),
        (&["rules", "publish", "rules.json"][..], "--tenant"),
        (&["lag", "--log", "files"][..], "[possible values: embedded, kafka]"),
        (&["completions", "tcl"][..], "[possible values: bash"),
        (&["tail", "award"][..], "name one of raw, events, awards, decisions"),
        (&["learner", "No Tenant", "x"][..], "error: "),
    ] {
        let said = home.run(arguments).failed(2);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    assert!(!home.data().exists());
}

#[test]
fn help_is_no_failure_and_every_command_has_it() {
    let home = Home::new();
    let help = home.run(&["--help"]).fine();
    for words in ["Examples:", "Exit codes: 0 fine, 1 failed, 2 wrong usage, 64 wrong"] {
        assert!(help.contains(words), "{help}");
    }
    let (_, commands) = help.split_once("Commands:").unwrap();
    let (commands, _) = commands.split_once("Options:").unwrap();
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for name in ["up", "gateway", "topics", "tail", "completions"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for name in names.iter().filter(|name| **name != "help") {
        let help = home.run(&[name, "--help"]).fine();
        assert!(help.contains(&format!("Usage: kleos {name}")), "{help}");
    }
    let version = home.run(&["--version"]).fine();
    assert_eq!(version, format!("kleos {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn shells_are_given_scripts_that_complete_every_command() {
    let home = Home::new();
    for (shell, beginning) in
        [("bash", "_kleos() {"), ("zsh", "#compdef kleos"), ("fish", "# Print an optspec")]
    {
        let script = home.run(&["completions", shell]).fine();
        assert!(script.starts_with(beginning), "{shell}: {script}");
        for command in ["gateway", "learner", "topics", "publish", "completions"] {
            assert!(script.contains(command), "{shell} does not complete {command}");
        }
        home.write(shell, &script);
    }
    let bash = run(Command::new("bash").arg("-n").arg("bash").current_dir(home.path()));
    assert_eq!(bash.fine(), "");
}

#[test]
fn commands_that_need_a_running_process_say_which() {
    let home = Home::new();
    home.write("rules.json", include_str!("../../../crates/rules-engine/default-rules.json"));
    for arguments in
        [&["learner", "demo", "a/1"][..], &["rules", "publish", "rules.json", "--tenant", "demo"]]
    {
        let said = home.run(arguments).failed(1);
        assert!(said.contains("error: the rules-processor does not answer"), "{said}");
        assert!(said.contains(&format!("where: http://127.0.0.1:{}", home.ports.rules)), "{said}");
        assert!(said.contains("do: start it, or name the configuration"), "{said}");
    }
    for arguments in [&["tail", "awards"][..], &["lag"]] {
        let said = home.run(arguments).failed(1);
        assert!(said.contains("error: there is no embedded log"), "{said}");
        assert!(said.contains("do: start one with `kleos up`"), "{said}");
    }
    let said = home.run(&["state"]).failed(1);
    assert!(said.contains("error: there is no data directory"), "{said}");
    assert!(said.contains("do: name it with --data"), "{said}");
    assert!(!home.data().exists(), "looking creates nothing");
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let home = Home::new();
    let script = format!("{} completions bash | head -n 1", crate::process::PROGRAM);
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("set -o pipefail; {script}")]).current_dir(home.path());
    assert_eq!(run(&mut shell).fine(), "_kleos() {\n");
}
