//! A log that answers as a test wants.

use std::fmt;
use std::sync::{Arc, Mutex};

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{
    Append, Batch, Durable, EmbeddedConfig, EmbeddedLog, EventLog, LogError, Position, Progress,
    Start,
};
use kleos_service_kit::clock::SystemClock;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::answer::Durability;
use crate::publish::{RawLog, Writer};

/// An embedded log behind a face that can be told how to behave.
pub(crate) struct FakeLog {
    log: EventLog,
    face: Arc<Face>,
    _directory: TempDir,
}

/// How it behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Neither answers nor takes records.
    Away,
    /// Answers, but takes no records.
    Refuses(LogError),
    /// Takes records and does not say so, until its mood changes.
    Hangs,
    /// Has a fault.
    Panics,
    /// Will not be opened.
    Closed(LogError),
}

#[derive(Debug)]
struct Face {
    mood: watch::Sender<Mood>,
    /// While a test holds it, questions wait.
    gate: tokio::sync::Mutex<()>,
    seen: Mutex<Seen>,
}

/// What was asked of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) probes: u32,
    pub(crate) opened: u32,
    pub(crate) dropped: u32,
}

impl FakeLog {
    pub(crate) fn new(mood: Mood) -> Arc<Self> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let log =
            EmbeddedLog::open(&path, EmbeddedConfig::default(), SystemClock::shared()).unwrap();
        let face = Face {
            mood: watch::Sender::new(mood),
            gate: tokio::sync::Mutex::default(),
            seen: Mutex::default(),
        };
        Arc::new(Self {
            log: Arc::new(log).into_log(),
            face: Arc::new(face),
            _directory: directory,
        })
    }

    pub(crate) fn becomes(&self, mood: Mood) {
        self.face.mood.send_replace(mood);
    }

    /// Lets nobody ask whether it answers, until this is dropped.
    pub(crate) async fn holds_questions(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.face.gate.lock().await
    }

    pub(crate) fn seen(&self) -> Seen {
        *self.face.seen.lock().unwrap()
    }

    /// How many records it holds.
    pub(crate) fn len(&self) -> usize {
        let mut reader = self.log.reader(Topic::Raw, Start::Earliest).unwrap();
        let mut batch = Batch::default();
        while reader.read(&mut batch, std::time::Duration::ZERO).unwrap() == Progress::Behind {}
        batch.len()
    }
}

/// What a log says that does not answer.
pub(crate) fn away() -> LogError {
    LogError::Unavailable { what: "asking".to_owned(), cause: "nobody answers".to_owned() }
}

impl RawLog for FakeLog {
    fn probe(&self) -> Result<(), LogError> {
        drop(self.face.gate.blocking_lock());
        self.face.seen.lock().unwrap().probes += 1;
        let mood = self.face.mood.borrow().clone();
        match mood {
            Mood::Away => Err(away()),
            Mood::Closed(error) => Err(error),
            Mood::Well | Mood::Refuses(_) | Mood::Hangs | Mood::Panics => Ok(()),
        }
    }

    fn open(&self) -> Result<Writer, LogError> {
        self.face.seen.lock().unwrap().opened += 1;
        let real = self.log.appender(Topic::Raw)?;
        let appender = FakeAppender { real, face: Arc::clone(&self.face) };
        Ok(Writer { codec: self.log.codec(Topic::Raw)?, appender: Arc::new(appender) })
    }

    fn durability(&self) -> Durability {
        Durability::Disk
    }
}

struct FakeAppender {
    real: Arc<dyn Append>,
    face: Arc<Face>,
}

impl fmt::Debug for FakeAppender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FakeAppender")
    }
}

impl Append for FakeAppender {
    fn append(&self, timestamp: Timestamp, value: Vec<u8>) -> Durable<Position> {
        let mood = self.face.mood.borrow().clone();
        match mood {
            Mood::Well => self.real.append(timestamp, value),
            Mood::Away => Box::pin(std::future::ready(Err(away()))),
            Mood::Refuses(error) | Mood::Closed(error) => Box::pin(std::future::ready(Err(error))),
            Mood::Panics => panic!("a fault in the log"),
            Mood::Hangs => {
                let durable = self.real.append(timestamp, value);
                let mut mood = self.face.mood.subscribe();
                Box::pin(async move {
                    mood.wait_for(|mood| *mood != Mood::Hangs).await.unwrap();
                    durable.await
                })
            }
        }
    }
}

impl Drop for FakeAppender {
    fn drop(&mut self) {
        self.face.seen.lock().unwrap().dropped += 1;
    }
}
