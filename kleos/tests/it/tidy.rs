//! The checkout as a whole: who depends on whom, how long files are, what every service has.
//!
//! The dependencies stand in a table of ARCHITECTURE.md; the laws behind the table stand here, so
//! that a table that was changed along with a manifest does not do away with one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cluster::root;
use crate::process::run;

const SERVICES: [&str; 4] = ["ingest-gateway", "normalizer", "rules-processor", "analytics-sink"];
/// Dependencies that only some may name, and who that is.
const FENCED: [(&str, &[&str]); 5] = [
    ("apache-avro", &["contracts", "event-log"]),
    ("serde_avro_fast", &["event-log"]),
    ("rdkafka", &["event-log"]),
    ("rocksdb", &["event-log", "rules-processor"]),
    ("schema_registry_converter", &["event-log"]),
];
const SKELETON: [&str; 6] = [
    "src/lib.rs",
    "src/config.rs",
    "src/error.rs",
    "src/metrics.rs",
    "README.md",
    "tests/it/main.rs",
];
const LINES_MAX: usize = 400;
/// Registries: one entry a line, nothing to follow, so they may grow.
const LONG_FILES: [&str; 0] = [];

/// A package of ours. Names are without `kleos-`.
#[derive(Clone, Debug, Default)]
struct Package {
    /// Where it lies, seen from the root.
    directory: String,
    /// Ours, for the code itself.
    ours: BTreeSet<String>,
    /// Ours, for tests alone.
    ours_for_tests: BTreeSet<String>,
    /// Fenced ones, for whatever.
    fenced: BTreeSet<String>,
}

type Packages = BTreeMap<String, Package>;

fn short(name: &str) -> String {
    name.strip_prefix("kleos-").unwrap_or(name).to_owned()
}

fn packages() -> Packages {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version", "1", "--offline"]).current_dir(root());
    let metadata: Value = serde_json::from_str(&run(&mut cargo).fine()).unwrap();
    let found = metadata["packages"].as_array().unwrap();
    let own: BTreeSet<&str> = found.iter().map(|one| one["name"].as_str().unwrap()).collect();
    found.iter().map(|one| (short(one["name"].as_str().unwrap()), package(one, &own))).collect()
}

fn package(metadata: &Value, own: &BTreeSet<&str>) -> Package {
    let manifest = Path::new(metadata["manifest_path"].as_str().unwrap());
    let directory = manifest.parent().unwrap().strip_prefix(root()).unwrap();
    let mut package = Package { directory: directory.display().to_string(), ..Package::default() };
    for dependency in metadata["dependencies"].as_array().unwrap() {
        let name = dependency["name"].as_str().unwrap();
        if FENCED.iter().any(|(fenced, _)| *fenced == name) {
            package.fenced.insert(name.to_owned());
        } else if own.contains(name) && dependency["kind"] == "dev" {
            package.ours_for_tests.insert(short(name));
        } else if own.contains(name) {
            package.ours.insert(short(name));
        }
    }
    package
}

/// Every breach of a law.
fn breaches(packages: &Packages) -> BTreeSet<String> {
    let mut breaches = BTreeSet::new();
    for (name, package) in packages {
        let is_service = SERVICES.contains(&name.as_str());
        for other in package.ours.union(&package.ours_for_tests) {
            if SERVICES.contains(&other.as_str()) && name != "kleos" {
                let who = if is_service { "a service" } else { "a crate" };
                breaches.insert(format!("{name}, {who}, depends on the service {other}"));
            }
            let is_end = other == "kleos" || (other == "e2e" && name != "bench");
            if is_end {
                breaches.insert(format!("{name} depends on {other}, which is the end of the line"));
            }
            if ["rules-engine", "sources"].contains(&name.as_str()) && other != "contracts" {
                breaches.insert(format!("{name} is pure and depends on {other}"));
            }
        }
        if package.ours.contains("test-kit") && name != "e2e" {
            breaches.insert(format!("{name} depends on test-kit outside of its tests"));
        }
    }
    for (fenced, allowed) in FENCED {
        let names = packages.iter().filter(|(_, package)| package.fenced.contains(fenced));
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        if names != allowed {
            breaches.insert(format!("{fenced} is named by {names:?} instead of {allowed:?}"));
        }
    }
    breaches
}

#[test]
fn dependencies_go_one_way() {
    assert_eq!(breaches(&packages()), BTreeSet::new());
}

#[test]
fn each_breach_is_found() {
    for (name, other, expected) in [
        ("normalizer", "rules-processor", "normalizer, a service, depends on the service"),
        ("service-kit", "normalizer", "service-kit, a crate, depends on the service"),
        ("e2e", "kleos", "e2e depends on kleos, which is the end of the line"),
        ("kleos", "e2e", "kleos depends on e2e, which is the end of the line"),
        ("rules-engine", "service-kit", "rules-engine is pure and depends on service-kit"),
        ("sources", "event-log", "sources is pure and depends on event-log"),
        ("analytics-sink", "test-kit", "analytics-sink depends on test-kit outside of its tests"),
    ] {
        let mut changed = packages();
        changed.get_mut(name).unwrap().ours.insert(other.to_owned());
        let found = breaches(&changed);
        assert!(found.len() == 1 && found.first().unwrap().starts_with(expected), "{found:?}");
    }
    for (fenced, _) in FENCED {
        let mut changed = packages();
        changed.get_mut("kleos").unwrap().fenced.insert(fenced.to_owned());
        let found = breaches(&changed);
        assert!(found.len() == 1 && found.first().unwrap().starts_with(fenced), "{found:?}");
    }
}

fn architecture() -> String {
    std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
}

/// The names in a cell, each in backquotes.
fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The table of dependencies: for each package, ours and the fenced ones.
fn table(page: &str) -> BTreeMap<String, [BTreeSet<String>; 2]> {
    let (_, rest) = page.split_once("<!-- dependencies -->").unwrap();
    let (table, _) = rest.split_once("<!-- /dependencies -->").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, package, ours, fenced, _] = cells.as_slice() else { panic!("{row}") };
        (package.trim_matches('`').to_owned(), [names(ours), names(fenced)])
    })
    .collect()
}

#[test]
fn the_table_of_dependencies_is_what_the_manifests_say() {
    let manifests: BTreeMap<String, [BTreeSet<String>; 2]> = packages()
        .into_iter()
        .map(|(name, package)| (name, [package.ours, package.fenced]))
        .collect();
    let table = table(&architecture());
    for (name, row) in &manifests {
        assert_eq!(table.get(name), Some(row), "the row of {name}, and its manifest");
    }
    assert_eq!(table.len(), manifests.len(), "{:?}", table.keys());
}

/// Every Rust file of the packages, seen from the root, with its number of lines.
fn rust_files() -> BTreeMap<String, usize> {
    let mut files = BTreeMap::new();
    for package in packages().values() {
        let home = root().join(&package.directory);
        let mut waiting: Vec<PathBuf> =
            ["src", "tests", "benches"].map(|part| home.join(part)).to_vec();
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                let entries = std::fs::read_dir(&path).unwrap();
                waiting.extend(entries.map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                files.insert(name, lines);
            }
        }
    }
    files
}

#[test]
fn no_file_is_longer_than_one_can_read_at_once() {
    let files = rust_files();
    assert!(files.len() > 200, "{} files", files.len());
    let long = files.iter().filter(|(_, lines)| **lines > LINES_MAX);
    let long: Vec<&str> = long.map(|(name, _)| name.as_str()).collect();
    assert_eq!(long, LONG_FILES, "files of more than {LINES_MAX} lines, and registries");
}

#[test]
fn the_four_services_have_one_skeleton() {
    let missing: Vec<String> = SERVICES
        .iter()
        .flat_map(|service| SKELETON.map(|file| format!("{service}/{file}")))
        .filter(|file| !root().join(file).is_file())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_package_says_what_it_is_and_is_on_the_map() {
    let page = architecture();
    for (name, Package { directory, .. }) in packages() {
        assert!(page.contains(&format!("`{directory}`")), "{directory} is not in ARCHITECTURE.md");
        let home = root().join(&directory);
        let roots = ["src/lib.rs", "src/main.rs"].map(|file| home.join(file));
        let is_documented = roots
            .iter()
            .any(|file| std::fs::read_to_string(file).is_ok_and(|text| text.starts_with("//! ")));
        let has_page = home.join("README.md").is_file();
        assert!(is_documented || has_page, "{name} has neither README.md nor documentation");
    }
}
