//! A Kafka and a registry of a test's own, to be killed and paused: `scripts/kafka`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};

use tempfile::TempDir;

use crate::process::run;

/// Where ports for a cluster are looked for; it takes seven in a row.
const PORTS: std::ops::Range<u16> = 21_000..22_000;
const PORTS_EACH: u16 = 7;

/// The checkout's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A cluster that is not up yet; stopped when dropped. There is one at a time: each takes half a
/// gigabyte.
pub(crate) struct Cluster {
    directory: TempDir,
    port: u16,
    _turn: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Nothing runs, but it is settled where it will.
    pub(crate) fn reserved() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        // A test that failed with it has stopped what it started.
        let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        let mut bases = PORTS.step_by(PORTS_EACH.into());
        let port = bases.find(|base| (*base..*base + PORTS_EACH).all(is_free));
        Self { directory: tempfile::tempdir().unwrap(), port: port.unwrap(), _turn: turn }
    }

    /// `[kafka]` and `[topics]` of a configuration for it.
    pub(crate) fn configuration(&self) -> String {
        let (brokers, registry) = (self.port, self.port + 6);
        format!(
            "[kafka]\nbrokers = \"127.0.0.1:{brokers}\"\n\
             registry = \"http://127.0.0.1:{registry}/apis/ccompat/v7\"\n\
             [topics]\npartitions = 2\nreplication = 1\n"
        )
    }

    /// The address of the registry's Confluent API.
    pub(crate) fn registry(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.port + 6)
    }

    /// Starts what does not run, and waits until it answers.
    #[track_caller]
    pub(crate) fn up(&self) {
        self.script(&["up", "--port", &self.port.to_string()]);
    }

    /// `scripts/kafka` with this cluster's directory; what it printed.
    #[track_caller]
    pub(crate) fn script(&self, arguments: &[&str]) -> String {
        run(&mut self.command(arguments)).fine()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(root().join("scripts/kafka"));
        let (name, arguments) = arguments.split_first().unwrap();
        command.arg(name).arg("--dir").arg(self.directory.path()).args(arguments);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // At the end of a test there is nobody left to tell.
        self.command(&["down"]).output().ok();
    }
}
