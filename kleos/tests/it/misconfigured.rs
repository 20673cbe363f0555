//! What a wrong configuration leads to: everything that is wrong, and nothing else.

use std::net::TcpListener;

use crate::home::{Home, Ports, configuration, free_port};

/// Every command that serves, and one that only looks.
const COMMANDS: [&[&str]; 8] = [
    &["up"],
    &["gateway"],
    &["gateway", "check"],
    &["normalizer"],
    &["rules"],
    &["sink"],
    &["topics", "check"],
    &["lag"],
];

/// A configuration with a mistake of each kind, and what must be said of each.
fn mistakes(home: &Home) -> Vec<String> {
    let Ports { gateway, admin, .. } = home.ports;
    home.write(
        "kleos.toml",
        &format!(
            r#"include = ["more.toml"]
[process]
data = "data"
admin = "127.0.0.1:{admin}"
log_level = "loud"
[tenants.demo]
zone = "Europe/Atlantis"
[instances.moodle-demo]
tenant = "nobody"
source = "moddle"
credentials = [{{ id = "first", secret = "short" }}]
[gateway]
listen = "127.0.0.1:{gateway}"
max_bdy = "1MiB"
[normalizer]
workers = "two"
[embedded]
partitions = 3
[kafka]
brokers = "127.0.0.1:9"
"#
        ),
    );
    home.write(
        "more.toml",
        "[rules]\nlisten = 8081\nmemory = \"1MiB\"\n[sink]\nregion = \"eu\"\nusername = \"me\"\n",
    );
    [
        "kleos.toml:5:13: process.log_level: found \"loud\", expected ",
        "kleos.toml:7:8: tenants.demo.zone: found \"Europe/Atlantis\", expected a time zone",
        "kleos.toml:9:10: instances.moodle-demo.tenant: found \"nobody\", which is not a tenant",
        "kleos.toml:10:10: instances.moodle-demo.source: found \"moddle\", expected ",
        "    did you mean \"moodle\"?",
        "instances.moodle-demo.credentials[0].secret: found a text of 5 characters, expected ",
        "kleos.toml:14:1: gateway.max_bdy: found a key that is not known, expected ",
        "    did you mean max_body? Otherwise remove it",
        "kleos.toml:16:11: normalizer.workers: found \"two\", expected an integer from 1 to 64",
        "kleos.toml:18:14: embedded.partitions: found 3, expected a power of two",
        "kleos.toml:19:1: kafka.registry: found nothing, expected a URL that starts with ",
        "more.toml:2:10: rules.listen: found the integer 8081, expected an IP address with a port",
        "more.toml:3:10: rules.memory: found \"1MiB\", expected a size from 16MiB",
        "sink.secret: found nothing, expected the account's secret",
        "12 problems in the configuration; nothing was started",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_what_was_expected() {
    let home = Home::new();
    let expected = mistakes(&home);
    let said = home.run(&["up", "--config", "kleos.toml"]).failed(64);
    for words in expected {
        assert!(said.contains(&words), "{words:?} is not in\n{said}");
    }
}

#[test]
fn with_a_wrong_configuration_nothing_is_bound_and_nothing_is_created() {
    let home = Home::new();
    // Whoever tried to bind one of them would end with another code.
    let held = [home.ports.gateway, home.ports.admin]
        .map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    mistakes(&home);
    for command in COMMANDS {
        let said = home.run(&[command, &["--config", "kleos.toml"]].concat()).failed(64);
        assert!(said.contains("nothing was started"), "{command:?}: {said}");
    }
    let left: Vec<_> =
        std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    drop(held);
}

#[test]
fn a_configuration_that_is_not_there_is_a_wrong_configuration() {
    let home = Home::new();
    std::fs::remove_file(home.path().join("kleos.toml")).unwrap();
    for command in COMMANDS {
        let said = home.run(&[command, &["--config", "no.toml"]].concat()).failed(64);
        assert!(said.contains("found \"no.toml\", which cannot be read"), "{said}");
    }
    // A command that is told nothing looks in the directory that it is run in.
    let said = home.run(&["lag"]).failed(64);
    assert!(said.contains("found \"kleos.toml\", which cannot be read"), "{said}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_service_without_a_cluster_is_told_what_to_add() {
    let home = Home::new();
    for command in ["gateway", "normalizer", "rules", "sink"] {
        let said = home.run(&[command]).failed(64);
        for key in ["kafka.brokers: found nothing", "kafka.registry: found nothing"] {
            assert!(said.contains(key), "{command}: {said}");
        }
    }
    assert!(!home.data().exists());
}

#[test]
fn a_service_needs_no_secrets_but_its_own() {
    let home = Home::new();
    let absent = "{ file = \"not-given-to-this-service\" }";
    let text = configuration(home.ports, "")
        .replace("\"query-token-of-a-test-00000\"", absent)
        .replace("\"publish-token-of-a-test-000\"", absent);
    home.write("kleos.toml", &text);
    let kafka = format!("[kafka]\nbrokers = \"127.0.0.1:{}\"\n", free_port());
    home.write("gateway.toml", &format!("include = [\"kleos.toml\"]\n{kafka}"));
    // The registry is missing, the rules-processor's secrets are not missed.
    let said = home.run(&["gateway", "--config", "gateway.toml"]).failed(64);
    assert!(said.contains("1 problem in the configuration"), "{said}");
    let said = home.run(&["rules", "--config", "gateway.toml"]).failed(64);
    assert!(said.contains("3 problems in the configuration"), "{said}");
}

#[test]
fn a_port_in_use_is_told_with_its_address_and_the_remedy() {
    let home = Home::new();
    let port = home.ports.rules;
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let said = home.run(&["up", "--config", "kleos.toml"]).failed(1);
    assert!(
        said.contains(&format!("cannot listen on 127.0.0.1:{port} for the query port")),
        "{said}"
    );
    assert!(said.contains(&format!("do: stop the process that listens on port {port}")), "{said}");
    drop(taken);
}
