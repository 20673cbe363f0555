//! `docs/reference/configuration.md` against what the sections take.

use std::collections::BTreeSet;

use kleos_service_kit::config::Problem;

use super::*;

const PAGE: &str = include_str!("../../../docs/reference/configuration.md");
/// A value that no key takes.
const WRONG: &str = "1979-05-27";

/// A certificate of the tests', which has to be there.
const SITE: &str = concat!(
    "certificate = \"",
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/test-kit/tls/first.crt\"\nkey = \"",
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/test-kit/tls/first.key\"\n"
);

/// A row of the page.
#[derive(Debug)]
struct Row {
    key: &'static str,
    takes: String,
    default: &'static str,
}

/// A table of the page.
#[derive(Debug)]
struct Table {
    /// As the file has it: `[process]`; empty for the top.
    head: String,
    /// As problems have it: `process`.
    path: String,
    rows: Vec<Row>,
}

impl Table {
    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn keys(&self) -> BTreeSet<&str> {
        self.rows.iter().map(|row| row.key).collect()
    }

    fn keys_with(&self, default: &str) -> BTreeSet<&str> {
        let rows = self.rows.iter().filter(|row| row.default == default);
        rows.map(|row| row.key).collect()
    }
}

/// The page's names stand for any: here for one that is taken.
fn filled_in(text: &str) -> String {
    text.replace("tenants.<id>", "tenants.demo").replace("instances.<id>", "instances.site")
}

fn tables() -> Vec<Table> {
    let parts: Vec<&'static str> = PAGE.split("\n## ").skip(1).collect();
    parts.into_iter().map(table).collect()
}

fn table(part: &'static str) -> Table {
    let (title, body) = part.split_once('\n').unwrap();
    let head = title.strip_prefix('`').map(|title| filled_in(title.trim_end_matches('`')));
    let head = head.unwrap_or_default();
    let path = head.trim_matches(['[', ']']).to_owned();
    let path = if head.starts_with("[[") { format!("{path}[0]") } else { path };
    let rows = body.lines().filter(|line| line.starts_with("| `")).map(row).collect();
    Table { head, path, rows }
}

fn row(line: &'static str) -> Row {
    let cells: Vec<&'static str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [key, takes, default, meaning] = cells.as_slice() else { panic!("{line}") };
    assert!(meaning.ends_with('.'), "{line}");
    Row { key: key.trim_matches('`'), takes: filled_in(takes), default }
}

/// Reads a text as `kleos up` does.
fn read(text: &str) -> Result<Config, Vec<Problem>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kleos.toml");
    std::fs::write(&path, text).unwrap();
    let loaded = config::read(&path, &Environment::given([]), |root| of(root, Needs::ALL));
    loaded.map(|loaded| loaded.value).map_err(|problems| problems.as_slice().to_vec())
}

fn problems(text: &str) -> Vec<Problem> {
    read(text).map(drop).unwrap_err()
}

/// What the sections say they know, from how they refuse a key that they do not.
fn known_keys(table: &Table) -> BTreeSet<String> {
    let problems = problems(&format!("{}\nnot_a_key = 1\n", table.head));
    let path = table.path_of("not_a_key");
    let refusal = problems.iter().find(|problem| problem.path == path).unwrap();
    let known = refusal.expected.trim_start_matches("one of ").replace(" or ", ", ");
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_page_has_every_key_and_no_other() {
    let tables = tables();
    for table in &tables {
        let known = known_keys(table);
        let mut keys: BTreeSet<String> = table.keys().into_iter().map(str::to_owned).collect();
        if table.head.is_empty() {
            // It is taken out of each file before the sections see them.
            assert!(keys.remove("include"));
        }
        assert_eq!(keys, known, "the keys of {:?}", table.head);
    }
    // Whatever is a table in one of them has a table of its own.
    let paths: BTreeSet<&str> = tables.iter().map(|table| table.path.as_str()).collect();
    let expected = [
        "",
        "embedded",
        "gateway",
        "gateway.duplicates",
        "gateway.rate_limits",
        "gateway.rate_limits.networks[0]",
        "gateway.rate_limits.routes",
        "gateway.tls",
        "instances.site",
        "instances.site.credentials[0]",
        "instances.site.rate_limit",
        "kafka",
        "kafka.security",
        "normalizer",
        "process",
        "rules",
        "sink",
        "tenants.demo",
        "topics",
    ];
    assert_eq!(paths, BTreeSet::from(expected));
}

#[test]
fn the_page_says_what_a_key_takes_in_the_words_of_its_refusal() {
    for table in tables() {
        for row in &table.rows {
            let problems = problems(&format!("{}\n{} = {WRONG}\n", table.head, row.key));
            let path = table.path_of(row.key);
            let refusal = problems.iter().find(|problem| problem.path == path);
            let refusal = refusal.unwrap_or_else(|| panic!("{path} takes a date"));
            assert_eq!(row.takes, refusal.expected, "{path}");
        }
    }
}

#[test]
fn the_page_says_which_keys_are_required() {
    for table in tables().into_iter().filter(|table| !table.head.is_empty()) {
        let problems = read(&table.head).map(|_| Vec::new()).unwrap_or_else(|problems| problems);
        let missed = problems.iter().filter(|problem| problem.found == "nothing");
        let missed = missed.filter_map(|problem| {
            problem
                .path
                .strip_prefix(&table.path)?
                .strip_prefix('.')
                .filter(|key| !key.contains('.'))
        });
        let missed: BTreeSet<&str> = missed.collect();
        assert_eq!(missed, table.keys_with("required"), "{}", table.head);
    }
}

#[test]
fn the_defaults_of_the_page_are_the_defaults() {
    let mut plain = String::new();
    let mut written = String::new();
    for table in tables().iter().filter(|table| !table.head.is_empty()) {
        let needed = match table.path.as_str() {
            "instances.site" => "tenant = \"demo\"\nsource = \"moodle\"\n",
            "instances.site.credentials[0]" => "id = \"a\"\nsecret = \"0123456789abcdef\"\n",
            "gateway.rate_limits.networks[0]" => "from = [\"::1\"]\nper_minute = 1\n",
            "gateway.tls" => SITE,
            "instances.site.rate_limit" => "per_minute = 1\n",
            "kafka" => "brokers = \"a:1\"\nregistry = \"http://a\"\n",
            // Without, the rest of the section has no effect that could be seen.
            "sink" => "region = \"eu\"\ntoken = \"any\"\n",
            _ => "",
        };
        let defaults = table.rows.iter().filter_map(|row| {
            let value = row.default.strip_prefix('`')?.strip_suffix('`')?;
            Some(format!("{} = {value}\n", row.key))
        });
        let defaults: String = defaults.collect();
        plain.push_str(&format!("{}\n{needed}", table.head));
        written.push_str(&format!("{}\n{needed}{defaults}", table.head));
    }
    assert!(written.lines().count() > plain.lines().count() + 30, "{written}");
    let (plain, written) = (read(&plain).unwrap(), read(&written).unwrap());
    assert_eq!(format!("{written:#?}"), format!("{plain:#?}"));
}

#[test]
fn the_configuration_is_printed_without_its_secrets() {
    let text = r#"
tenants.demo.query_tokens = ["secret-of-questions"]
[instances.site]
tenant = "demo"
source = "moodle"
credentials = [
    { id = "a", secret = "secret-of-a-bearer" },
    { id = "b", strategy = "basic", username = "u", secret = "secret-of-a-login" },
    { id = "c", strategy = "body", secret = "secret-of-a-body" },
    { id = "d", strategy = "query", secret = "secret-of-a-query" },
    { id = "e", strategy = "atomic-guide", secret = "secret-of-an-hmac" },
]
[kafka]
brokers = "a:1"
registry = "http://a"
registry_user = "u"
registry_password = "secret-of-the-registry"
[kafka.security]
sasl_password = "secret-of-the-brokers"
ssl_key_password = "secret-of-the-key"
[rules]
publish_token = "secret-of-publishing"
[sink]
token = "secret-of-the-sink"
region = "eu"
"#;
    let tls = format!("[gateway.tls]\n{SITE}");
    let config = read(&format!("{text}{tls}")).unwrap();
    let printed = format!("{config:?}\n{config:#?}");
    for secret in text.split('"').filter(|part| part.starts_with("secret-of")) {
        assert!(!printed.contains(secret), "{secret} in {printed}");
        let bytes = format!("{:?}", secret.as_bytes());
        assert!(!printed.contains(bytes.trim_matches(['[', ']'])), "{secret} in {printed}");
    }
    let key = include_str!("../../../crates/test-kit/tls/first.key").lines().nth(1).unwrap();
    assert!(!printed.contains(key));
}
