use std::io;
use std::sync::Mutex;
use std::sync::mpsc as thread_channel;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;
use crate::clock::SystemClock;
use crate::lifecycle::{Lifecycle, StopReason};

const WITHIN: Duration = Duration::from_secs(30);

fn lifecycle() -> (Lifecycle, Supervisor, Readiness) {
    let clock = SystemClock::shared();
    let readiness = Readiness::new(Arc::clone(&clock));
    let (lifecycle, supervisor) =
        Lifecycle::new(Handle::current(), &clock, WITHIN, readiness.clone());
    (lifecycle, supervisor, readiness)
}

/// How it ended; a lifecycle without an end is a failed test.
async fn end(supervisor: Supervisor) -> Result<(), LifecycleError> {
    timeout(2 * WITHIN, supervisor.run()).await.unwrap()
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }

    fn read(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A task that runs until it is asked to stop.
fn spawn_patient(lifecycle: &Lifecycle, phase: Phase, name: &'static str, diary: &Diary) {
    let diary = diary.clone();
    lifecycle.spawn_task(phase, name, |shutdown| async move {
        shutdown.requested().await;
        diary.note(name);
        Ok::<(), io::Error>(())
    });
}

#[tokio::test]
async fn a_stop_drains_what_was_taken_in_and_closes_the_rest_last() {
    let (lifecycle, supervisor, readiness) = lifecycle();
    let diary = Diary::default();
    let (items, taken) = thread_channel::channel::<u32>();

    let (intake, ready) = (diary.clone(), readiness.clone());
    lifecycle.spawn_task(Phase::Intake, "listener", |shutdown| async move {
        items.send(1)?;
        shutdown.requested().await;
        assert!(!ready.report().ready);
        // The request in hand when the stop was asked for.
        items.send(2)?;
        intake.note("listener closed");
        Ok::<(), thread_channel::SendError<u32>>(())
    });
    let work = diary.clone();
    lifecycle
        .spawn_thread(Phase::Work, "worker", move |shutdown| {
            let drained: Vec<u32> = taken.iter().collect();
            assert!(shutdown.wait(WITHIN));
            assert!(shutdown.time_left().unwrap() <= WITHIN);
            work.note(&format!("worker committed {drained:?}"));
            Ok::<(), io::Error>(())
        })
        .unwrap();
    spawn_patient(&lifecycle, Phase::Support, "admin closed", &diary);
    assert!(readiness.report().ready);
    lifecycle.all_started();
    lifecycle.stop(StopReason::Signal("SIGTERM"));

    assert_eq!(end(supervisor).await, Ok(()));
    assert_eq!(diary.read(), ["listener closed", "worker committed [1, 2]", "admin closed"]);
    assert!(readiness.report().stopping);
}

#[tokio::test]
async fn a_task_that_fails_brings_the_others_down_with_the_whole_reason() {
    let (lifecycle, supervisor, _) = lifecycle();
    let diary = Diary::default();
    spawn_patient(&lifecycle, Phase::Work, "worker drained", &diary);
    #[derive(Debug, thiserror::Error)]
    #[error("cannot commit")]
    struct CommitError(#[source] io::Error);
    lifecycle.scoped("sink").spawn_task(Phase::Work, "writer", |_| async {
        Err(CommitError(io::Error::other("no space left")))
    });
    lifecycle.all_started();

    let error = end(supervisor).await.unwrap_err();
    assert_eq!(error.to_string(), "sink/writer failed: cannot commit: no space left");
    assert_eq!(diary.read(), ["worker drained"]);
}

#[tokio::test]
async fn a_panic_in_a_task_or_thread_brings_the_others_down() {
    for in_thread in [false, true] {
        let (lifecycle, supervisor, _) = lifecycle();
        let diary = Diary::default();
        spawn_patient(&lifecycle, Phase::Work, "worker drained", &diary);
        if in_thread {
            let body = |_| -> io::Result<()> { panic!("no way {}", 7) };
            lifecycle.spawn_thread(Phase::Intake, "odd", body).unwrap();
        } else {
            lifecycle.spawn_task(Phase::Intake, "odd", |_| async {
                if Handle::try_current().is_ok() {
                    panic!("no way {}", 7);
                }
                Ok::<(), io::Error>(())
            });
        }
        let error = end(supervisor).await.unwrap_err();
        assert_eq!(error.to_string(), "odd panicked: no way 7");
        assert_eq!(diary.read(), ["worker drained"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_stop_within_the_deadline_is_named_and_left() {
    let (lifecycle, supervisor, _) = lifecycle();
    let diary = Diary::default();
    let started = Instant::now();
    let (held, dropped) = oneshot::channel::<()>();
    lifecycle.spawn_task(Phase::Work, "stuck", |_| async move {
        std::future::pending::<()>().await;
        drop(held);
        Ok::<(), io::Error>(())
    });
    spawn_patient(&lifecycle, Phase::Support, "admin closed", &diary);
    lifecycle.stop(StopReason::Requested("test".to_owned()));

    let error = end(supervisor).await.unwrap_err();
    assert_eq!(error.to_string(), "stuck did not stop in time");
    assert_eq!(started.elapsed(), WITHIN);
    // The task that was left is ended, and with it what it held.
    assert!(timeout(WITHIN, dropped).await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_stop_now_waits_for_nobody() {
    let (lifecycle, supervisor, _) = lifecycle();
    let started = Instant::now();
    lifecycle.spawn_task(Phase::Work, "stuck", |_| async {
        std::future::pending::<()>().await;
        Ok::<(), io::Error>(())
    });
    lifecycle.stop(StopReason::Signal("SIGINT"));
    lifecycle.stop_now();

    let error = end(supervisor).await.unwrap_err();
    assert_eq!(error, LifecycleError::Interrupted { running: vec!["stuck".to_owned()] });
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert!(lifecycle.shutdown(Phase::Support).is_requested());
}

#[tokio::test]
async fn a_process_whose_work_is_done_ends_without_being_asked() {
    let (lifecycle, supervisor, _) = lifecycle();
    let diary = Diary::default();
    spawn_patient(&lifecycle, Phase::Support, "admin closed", &diary);
    lifecycle.spawn_thread(Phase::Work, "once", |_| Ok::<(), io::Error>(())).unwrap();
    lifecycle.all_started();
    assert_eq!(end(supervisor).await, Ok(()));
    assert_eq!(diary.read(), ["admin closed"]);
}
