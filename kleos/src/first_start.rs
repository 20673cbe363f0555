//! What the first start makes, and what `kleos up` says.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use kleos_service_kit::failure::Failure;
use uuid::Uuid;

use crate::config::Config;

/// The commented configuration; `@…@` is filled in.
const TEMPLATE: &str = include_str!("first-start.toml");

/// Writes a configuration with tokens of its own, readable for its owner alone.
pub(crate) fn write_configuration(path: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new("cannot write the configuration").because(&error).at(path.display())
    };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(configuration().as_bytes()).map_err(failed)
}

fn configuration() -> String {
    let names = ["@query@", "@moodle@", "@custom@", "@publish@"];
    names.iter().fold(TEMPLATE.to_owned(), |text, name| text.replace(name, &token()))
}

/// 244 random bits.
fn token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// How to send an event, and where to look.
pub(crate) fn hints(config: &Config, gateway: Option<SocketAddr>, path: &Path) -> String {
    let gateway = gateway.map(|address| address.to_string()).unwrap_or_default();
    let mut lines = vec![
        String::new(),
        format!("Kleos is up. Webhooks: http://{gateway}   configuration: {}", path.display()),
    ];
    let instance = config.instances.values().find(|instance| instance.source == "custom");
    let first = instance.and_then(|instance| instance.credentials.first());
    if let Some((instance, first)) = instance.zip(first) {
        lines.push(String::new());
        lines.push("Send an event:".to_owned());
        lines.push(format!(
            "  curl -sS http://{gateway}/api/public/hook/custom/event \\\n    \
             -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' \\\n    \
             -d '{{\"event\":\"lesson.completed\",\"user\":{{\"id\":\"1\"}},\
             \"context\":{{\"course\":{{\"id\":\"c1\"}},\"lesson\":{{\"id\":\"l1\"}}}},\
             \"trace\":{{\"lms_event_id\":\"1\"}}}}'",
            first.secret.expose()
        ));
        lines.push("See what came of it:".to_owned());
        lines.push(format!(
            "  kleos --config {} learner {} {}/1",
            path.display(),
            instance.tenant,
            instance.id
        ));
        lines.push(format!("  kleos --config {} tail awards --all", path.display()));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_makes_other_tokens_and_leaves_nothing_to_fill_in() {
        let (one, other) = (configuration(), configuration());
        assert_ne!(one, other);
        assert!(!one.contains('@'), "{one}");
    }

    #[test]
    fn what_is_made_is_a_configuration_without_mistakes_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kleos.toml");
        write_configuration(&path).unwrap();
        let loaded = crate::config::read(Some(&path), crate::config::Needs::ALL).unwrap();
        assert_eq!(loaded.value.data, directory.path());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_configuration(&path).is_err(), "what is there is not written over");
    }
}
