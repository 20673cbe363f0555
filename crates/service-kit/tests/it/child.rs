//! The miniature service (`src/bin/miniature.rs`) as a real process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// Longer than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One process of the miniature, killed when dropped.
pub(crate) struct Miniature {
    process: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

/// Settings of the miniature in a directory of their own.
pub(crate) struct Home {
    directory: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Starts a process with these lines in `[miniature]` after the usual ones.
    pub(crate) fn start(&self, settings: &str) -> Miniature {
        let path = self.directory.path().join("kleos.toml");
        let text =
            format!("process.stop_within = \"1s\"\n[miniature]\ndata_dir = \"data\"\n{settings}\n");
        fs::write(&path, text).unwrap();
        Miniature::start(&[path.to_str().unwrap()])
    }
}

impl Miniature {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_miniature"))
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::Builder::new()
            .spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|l| sender.send(l)))
            .unwrap();
        Self { process, lines, seen: Vec::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits for a line of its log that holds a text; what follows the text.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("{text:?} was not said, but:\n{}", self.seen.join("\n"))
            };
            self.seen.push(line);
            if let Some((_, rest)) = self.seen.last().unwrap().split_once(text) {
                return rest.to_owned();
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for its end; the exit code, and all that it said.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it did not end, but said:\n{}", self.seen.join("\n"))
                }
            }
        }
        let code = self.process.wait().unwrap().code();
        (code, self.seen.join("\n"))
    }
}

impl Drop for Miniature {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
