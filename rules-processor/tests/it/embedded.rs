//! The processor on the embedded log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kleos_event_log::{EmbeddedConfig, EmbeddedLog, EventLog};
use kleos_service_kit::clock::SystemClock;

use crate::bench::PARTITIONS;
use crate::suite::{Bench, kills, suite_tests};

pub(crate) struct EmbeddedBench {
    directory: tempfile::TempDir,
    log: Option<Arc<EmbeddedLog>>,
}

fn open(directory: &Path) -> Arc<EmbeddedLog> {
    let config = EmbeddedConfig { partitions: PARTITIONS, ..EmbeddedConfig::default() };
    Arc::new(EmbeddedLog::open(directory, config, SystemClock::shared()).unwrap())
}

pub(crate) fn bench() -> EmbeddedBench {
    let directory = tempfile::tempdir().unwrap();
    let log = open(&directory.path().join("log"));
    EmbeddedBench { directory, log: Some(log) }
}

impl Bench for EmbeddedBench {
    fn log(&self) -> EventLog {
        Arc::clone(self.log.as_ref().unwrap()).into_log()
    }

    fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn watch(&self) -> EventLog {
        let (path, scratch) = (self.directory().join("log"), self.directory().join("scratch"));
        let view = EmbeddedLog::open_view(&path, &scratch, SystemClock::shared()).unwrap();
        Arc::new(view).into_log()
    }

    fn child(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let path = self.directory().join("log");
        ("embedded::child", vec![("KLEOS_DIRECTORY", path.to_str().unwrap().to_owned())])
    }

    fn close(&mut self) {
        self.log = None;
    }

    fn reopen(&mut self) {
        self.log = Some(open(&self.directory().join("log")));
    }
}

suite_tests!(bench());

/// Not a test of its own: what the parent kills.
#[test]
fn child() {
    if let Some(data) = std::env::var_os(kills::CHILD) {
        let directory = PathBuf::from(std::env::var_os("KLEOS_DIRECTORY").unwrap());
        kills::run_child(&open(&directory).into_log(), Path::new(&data));
    }
}
