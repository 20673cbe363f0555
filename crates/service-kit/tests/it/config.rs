//! Configuration files with every kind of mistake, and one without.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kleos_contracts::ids::{InstanceId, TenantId};
use kleos_contracts::learner::Identity;
use kleos_service_kit::bootstrap::ProcessSettings;
use kleos_service_kit::config::instances::{self, Instance};
use kleos_service_kit::config::tenants::{self, DecisionLevel, SecretUse, Tenant};
use kleos_service_kit::config::{self, Environment, Loaded, Problems, Secret, Section};
use kleos_service_kit::telemetry::{LogFormat, LogSettings};
use url::Url;

/// A service's settings that use every kind of value.
#[derive(Debug)]
struct Settings {
    listen: SocketAddr,
    workers: u16,
    body_bytes_max: u64,
    deadline: Duration,
    is_strict: bool,
    mode: Mode,
    registry: Url,
    data_dir: PathBuf,
    brokers: Vec<String>,
    first_tenant: Option<TenantId>,
    note: String,
    key: Secret,
    pauses: Vec<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Embedded,
    Kafka,
}

#[derive(Debug)]
struct Everything {
    gateway: Settings,
    tenants: BTreeMap<TenantId, Tenant>,
    instances: BTreeMap<InstanceId, Instance>,
}

fn settings(gateway: &Section<'_>) -> Option<Settings> {
    let (one, hour) = (Duration::from_secs(1), Duration::from_secs(3_600));
    let listen = gateway.address("listen").required();
    let workers = gateway.integer("workers", 1..=64).or(2);
    let body_bytes_max = gateway.bytes("body_bytes_max", 1_024..=8_388_608).or(1_048_576);
    let deadline = gateway.duration("deadline", one..=hour).or(one);
    let is_strict = gateway.boolean("strict").or(false);
    let mode = gateway.one_of("mode", &[("embedded", Mode::Embedded), ("kafka", Mode::Kafka)]);
    let mode = mode.or(Mode::Embedded);
    let registry = gateway.url("registry", &["http", "https"]).required();
    let data_dir = gateway.path("data_dir").required();
    let brokers = gateway.list("brokers", "a broker, as \"127.0.0.1:9092\"").or(Vec::new());
    let first_tenant = gateway.parsed("first_tenant", "a tenant, as \"campus-a\"").optional();
    let note = gateway.string("note").or("none".to_owned());
    let key = gateway.secret("key", 16).required();
    let pauses = gateway
        .list_of_tables("pauses")
        .iter()
        .map(|pause| pause.duration("length", one..=hour).or(one))
        .collect();
    Some(Settings {
        listen: listen?,
        workers,
        body_bytes_max,
        deadline,
        is_strict,
        mode,
        registry: registry?,
        data_dir: data_dir?,
        brokers,
        first_tenant,
        note,
        key: key?,
        pauses,
    })
}

fn read(path: &str, environment: &Environment) -> Result<Loaded<Everything>, Problems> {
    config::read(Path::new(path), environment, |root| {
        root.skip(&["sink"]);
        let tenants = tenants::read(root, SecretUse::Needed);
        let instances = instances::read(root, &tenants, &["moodle", "custom"], SecretUse::Needed);
        let gateway = settings(&root.section("gateway"));
        Some(Everything { gateway: gateway?, tenants, instances })
    })
}

fn given() -> Environment {
    Environment::given([
        ("BROKER", "127.0.0.1:9093"),
        ("GOOD_TOKEN", "0123456789abcdef"),
        ("QUERY_TOKEN", "another-query-token"),
        ("SHORT", "short"),
        ("STRICT", "true"),
        ("TOKEN", "another-token-of-the-instance"),
        ("WORKERS", "7"),
    ])
}

#[track_caller]
fn check_refused(case: &str) {
    let folder = format!("tests/it/config/{case}/");
    let problems = read(&format!("{folder}kleos.toml"), &given()).unwrap_err();
    let shown = problems.to_string().replace(&folder, "") + "\n";
    let golden = Path::new(&folder).join("problems.txt");
    if Environment::of_process().get("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(golden).unwrap(), "{shown}");
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    check_refused("broken");
}

#[test]
fn what_is_not_toml_is_reported_beside_the_mistakes_in_the_rest() {
    check_refused("torn");
    check_refused("unclosed");
    check_refused("valueless");
}

#[test]
fn a_configuration_without_mistakes_means_what_it_says() {
    let Loaded { value, .. } = read("tests/it/config/good/kleos.toml", &given()).unwrap();
    let gateway = value.gateway;
    assert_eq!(gateway.listen.to_string(), "[::1]:8080");
    assert_eq!(gateway.workers, 7);
    assert_eq!(gateway.body_bytes_max, 4_194_304);
    assert_eq!(gateway.deadline, Duration::from_secs(30));
    assert!(gateway.is_strict);
    assert_eq!(gateway.mode, Mode::Kafka);
    assert_eq!(gateway.registry.as_str(), "http://127.0.0.1:8081/registry");
    assert_eq!(gateway.data_dir, Path::new("tests/it/config/good/data"));
    assert_eq!(gateway.brokers, ["127.0.0.1:9092", "127.0.0.1:9093"]);
    assert_eq!(gateway.first_tenant, None);
    assert_eq!(gateway.note, "sixteen letters!");
    assert_eq!(gateway.key.expose(), "sixteen letters!");
    assert_eq!(gateway.pauses, [5, 1].map(Duration::from_secs));

    let tenants: Vec<Tenant> = value.tenants.into_values().collect();
    assert_eq!(
        tenants,
        [
            Tenant {
                id: "campus-a".parse().unwrap(),
                zone: "Europe/Lisbon".to_owned(),
                query_tokens: vec![
                    secret("query-token-of-campus-a"),
                    secret("another-query-token")
                ],
                decisions: DecisionLevel::Awarded,
                identity: Identity::ExternalId("sis".to_owned()),
            },
            Tenant {
                id: "campus-b".parse().unwrap(),
                zone: "UTC".to_owned(),
                query_tokens: Vec::new(),
                decisions: DecisionLevel::Candidates,
                identity: Identity::Email,
            },
        ]
    );
    let credentials: Vec<String> = value
        .instances
        .values()
        .flat_map(|instance| instance.credentials.iter().map(move |one| (instance, one)))
        .map(|(i, one)| format!("{} {} {} {} {:?}", i.id, i.tenant, i.source, one.id, one.strategy))
        .collect();
    assert_eq!(
        credentials,
        [
            "campus-a-moodle campus-a moodle first Bearer",
            "campus-a-moodle campus-a moodle second Bearer",
            "campus-b-custom campus-b custom only Bearer",
        ]
    );
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// Reads one text as `kleos.toml` of an empty directory.
pub(crate) fn read_text<T>(
    text: &str,
    meaning: impl FnOnce(&Section<'_>) -> Option<T>,
) -> Result<Loaded<T>, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kleos.toml");
    std::fs::write(&path, text).unwrap();
    let prefix = format!("{}/", directory.path().display());
    config::read(&path, &given(), meaning)
        .map_err(|problems| problems.to_string().replace(&prefix, ""))
}

#[test]
fn an_absent_file_is_one_problem() {
    let problems = read("tests/it/config/nowhere.toml", &given()).unwrap_err();
    assert_eq!(problems.as_slice().len(), 1);
    let shown = problems.to_string();
    assert!(shown.starts_with("tests/it/config/nowhere.toml: found \"tests/it"), "{shown}");
    assert!(shown.contains("cannot be read: No such file"), "{shown}");
    assert!(shown.ends_with("1 problem in the configuration; nothing was started"), "{shown}");
}

#[test]
fn a_process_that_needs_no_secrets_is_not_asked_for_them() {
    let text = "[tenants.a]\nquery_tokens = [{ env = \"ABSENT\" }]\n\
                [instances.b]\ntenant = \"a\"\nsource = \"moodle\"\n\
                credentials = [{ id = \"first\", secret = { file = \"absent\" } }]\n";
    let loaded = read_text(text, |root| {
        let tenants = tenants::read(root, SecretUse::NotNeeded);
        Some(instances::read(root, &tenants, &["moodle"], SecretUse::NotNeeded))
    });
    assert_eq!(loaded.unwrap().value.len(), 1);
}

#[test]
fn a_section_in_another_form_is_one_problem_and_not_one_for_every_key() {
    let shown = read_text("gateway = 7", |root| settings(&root.section("gateway"))).unwrap_err();
    assert_eq!(
        shown,
        "kleos.toml:1:11: gateway: found the integer 7, expected a table, as [gateway]\n    \
         write it in that form\n1 problem in the configuration; nothing was started"
    );
}

#[test]
fn a_key_that_is_missing_says_where_to_add_it() {
    let read = |text: &str| {
        read_text(text, |root| {
            let name = root.string("name").required();
            let listen = root.section("gateway").address("listen").required();
            Some((name?, listen?))
        })
    };
    let shown = read("").unwrap_err();
    assert!(shown.contains("kleos.toml:1:1: name: found nothing, expected a text"), "{shown}");
    assert!(shown.contains("add a line name = … at the top of the file"), "{shown}");
    assert!(shown.contains("kleos.toml:1:1: gateway.listen: found nothing"), "{shown}");
    let shown = read("\n[gateway]\n").unwrap_err();
    assert!(shown.contains("kleos.toml:2:1: gateway.listen: found nothing"), "{shown}");
    assert!(shown.contains("add a line listen = … to [gateway]"), "{shown}");
}

#[test]
fn what_all_processes_have_is_read_and_has_defaults() {
    let read = |text: &str| {
        read_text(text, |root| Some(ProcessSettings::read(&root.section("process"))))
            .map(|loaded| loaded.value)
    };
    assert_eq!(read("").unwrap(), ProcessSettings::default());
    let text = "[process]\nlog_format = \"json\"\nlog_level = \"warn\"\nstop_within = \"9s\"\n";
    let expected = ProcessSettings {
        log: LogSettings { format: LogFormat::Json, levels: "warn".parse().unwrap() },
        stop_within: Duration::from_secs(9),
    };
    assert_eq!(read(text).unwrap(), expected);
    let shown = read(&text.replace('n', "m")).unwrap_err();
    for mistake in ["did you mean \"json\"?", "\"warm\" is not a level", "process.stop_withim"] {
        assert!(shown.contains(mistake), "{shown}");
    }
}

#[test]
fn a_reader_that_gives_up_without_a_reason_is_never_silent() {
    let shown = read_text("", |_| None::<()>).unwrap_err();
    assert!(shown.contains("report this"), "{shown}");
}

#[test]
fn a_secret_is_never_shown() {
    let secrets = "secret = \"0123456\"\nothers = [\"0123456\", 7]\nlast = 0123456\n";
    let shown = read_text(secrets, |root| {
        let secret = root.secret("secret", 16).required();
        let others = root.secrets("others", 16).required();
        let last = root.secret("last", 1).required();
        Some((secret?, others?, last?))
    });
    let shown = shown.unwrap_err();
    assert!(shown.contains("found a text of 7 characters"), "{shown}");
    assert!(!shown.contains("0123456"), "{shown}");
}

#[test]
fn secrets_that_every_user_can_read_are_warned_of_once_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kleos.toml");
    let inline = "a = \"inline-secret\"\nb = \"inline-secret\"\nc = { file = \"c\" }\n";
    std::fs::write(&path, inline).unwrap();
    std::fs::write(directory.path().join("c"), "secret\n").unwrap();
    let warnings = |mode: u32| {
        for file in ["kleos.toml", "c"] {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(directory.path().join(file), mode).unwrap();
        }
        let loaded = config::read(&path, &given(), |root| {
            let secrets = ["a", "b", "c"].map(|key| root.secret(key, 6).required());
            assert_eq!(secrets[2], Some(secret("secret")));
            Some(())
        });
        let warnings = loaded.unwrap().warnings;
        warnings.iter().map(ToString::to_string).collect::<Vec<String>>()
    };
    assert_eq!(warnings(0o640), [""; 0]);
    let (file, folder) = (path.display(), directory.path().display());
    assert_eq!(
        warnings(0o644),
        [
            format!(
                "{file}: secrets in {file} can be read by every user of this machine; close it \
                 with: chmod o-r {file}"
            ),
            format!(
                "{file}:3:5: c: secrets in {folder}/c can be read by every user of this machine; \
                 close it with: chmod o-r {folder}/c"
            ),
        ]
    );
}
