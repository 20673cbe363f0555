//! A place for one deployment: a directory, ports, and a configuration.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Ended, Running, kleos, until};
use crate::web;
use crate::web::Answer;

pub(crate) const MOODLE_TOKEN: &str = "moodle-token-of-a-test-0000";
pub(crate) const CUSTOM_TOKEN: &str = "custom-token-of-a-test-0000";
pub(crate) const QUERY_TOKEN: &str = "query-token-of-a-test-00000";
pub(crate) const PUBLISH_TOKEN: &str = "publish-token-of-a-test-000";

const DAY: u64 = 86_400;

/// Where a process listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) gateway: u16,
    pub(crate) rules: u16,
    pub(crate) admin: u16,
}

impl Ports {
    pub(crate) fn free() -> Self {
        Self { gateway: free_port(), rules: free_port(), admin: free_port() }
    }
}

/// A port that nobody listened on a moment ago, and that no other test of this run was given.
pub(crate) fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap();
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if given.insert(port) {
            return port;
        }
    }
}

/// A deployment's place.
pub(crate) struct Home {
    directory: TempDir,
    pub(crate) ports: Ports,
}

impl Home {
    /// With a configuration for all services on the embedded log.
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// The same with more at its end.
    pub(crate) fn with(more: &str) -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap(), ports: Ports::free() };
        home.write("kleos.toml", &configuration(home.ports, more));
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// Runs a command to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        kleos(self.path(), arguments)
    }

    /// Starts a process that goes on.
    #[track_caller]
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.path(), arguments)
    }

    /// All services, ready.
    #[track_caller]
    pub(crate) fn up(&self) -> Running {
        let mut up = self.start(&["up", "--config", "kleos.toml"]);
        up.wait_for("Kleos is up.");
        wait_until_ready(self.ports.admin);
        up
    }

    /// Posts an event of the custom source.
    #[track_caller]
    pub(crate) fn post(&self, event: &str) -> Answer {
        web::post(self.ports.gateway, "custom", Some(CUSTOM_TOKEN), event)
    }

    /// As the Moodle site sends it.
    pub(crate) fn post_of_moodle(&self, event: &str) -> Answer {
        web::post(self.ports.gateway, "moodle", Some(MOODLE_TOKEN), event)
    }

    /// The records of a topic that are there.
    #[track_caller]
    pub(crate) fn records(&self, topic: &str) -> Vec<Value> {
        let printed = self.run(&["tail", topic, "--all", "--end"]).fine();
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What a learner is said to have, once that is so many points.
    #[track_caller]
    pub(crate) fn wait_for_balance(&self, learner: &str, balance: i64) -> Value {
        until(&format!("{balance} points of {learner}"), || {
            let asked = self.run(&["learner", "demo", learner, "--json"]);
            let answer: Value = serde_json::from_str(&asked.stdout).ok()?;
            (answer["balance"] == balance).then_some(answer)
        })
    }
}

/// Waits until the process behind an admin port is ready.
#[track_caller]
pub(crate) fn wait_until_ready(admin: u16) {
    until(&format!("ready at port {admin}"), || {
        web::try_get(admin, "/ready").filter(|answer| answer.status == 200)
    });
}

/// A lesson that a learner completed at noon of the day before this run: all on one day, whenever
/// that is, and the same event however often it is made.
pub(crate) fn lesson(learner: u32, id: u32) -> String {
    static NOON: LazyLock<u64> = LazyLock::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        (now / DAY - 1) * DAY + DAY / 2
    });
    let noon = *NOON;
    format!(
        r#"{{"event":"lesson.completed","occurred_at":{noon},"user":{{"id":"{learner}"}},
        "context":{{"course":{{"id":"c1"}},"lesson":{{"id":"l{id}"}}}},
        "trace":{{"lms_event_id":"{learner}-{id}"}}}}"#
    )
}

/// The configuration of a deployment with one tenant and a site of each source.
pub(crate) fn configuration(ports: Ports, more: &str) -> String {
    let Ports { gateway, rules, admin } = ports;
    format!(
        r#"[process]
data = "data"
instance = "a"
admin = "127.0.0.1:{admin}"
[tenants.demo]
query_tokens = ["{QUERY_TOKEN}"]
[instances.moodle-demo]
tenant = "demo"
source = "moodle"
credentials = [{{ id = "first", secret = "{MOODLE_TOKEN}" }}]
[instances.custom-demo]
tenant = "demo"
source = "custom"
credentials = [{{ id = "first", secret = "{CUSTOM_TOKEN}" }}]
[gateway]
listen = "127.0.0.1:{gateway}"
[rules]
listen = "127.0.0.1:{rules}"
publish_token = "{PUBLISH_TOKEN}"
{more}"#
    )
}
