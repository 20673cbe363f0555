//! `kleos tail` of a log that grows.

use std::sync::mpsc::channel;
use std::thread;

use crate::home::{Home, lesson};
use crate::process::until;

#[test]
fn awards_are_printed_as_they_come() {
    let home = Home::new();
    let up = home.up();
    assert_eq!(home.post(&lesson(1, 1)).status, 202);
    home.wait_for_balance("custom-demo/1", 10);
    let mut all = home.start(&["tail", "awards", "--all"]);
    all.wait_for("demo|custom-demo/1");

    // Nobody is told when it begins to read: awards are made until it shows one.
    let mut tail = home.start(&["tail", "awards"]);
    let mut learner = 1;
    until("an award that came after the start", || {
        learner += 1;
        assert_eq!(home.post(&lesson(learner, 1)).status, 202);
        home.wait_for_balance(&format!("custom-demo/{learner}"), 10);
        tail.said().contains("\"rule_id\":\"lesson_completion\"").then_some(())
    });
    assert!(!tail.said().contains("demo|custom-demo/1\""), "it began with what was there");
    all.wait_for(&format!("demo|custom-demo/{learner}\""));
    up.stop();
}

#[test]
fn every_topic_can_be_looked_at_while_it_is_written() {
    let home = Home::new();
    let up = home.up();
    let (stop, stopped) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(|| {
            let stopped = stopped;
            for learner in 1.. {
                assert_eq!(home.post(&lesson(learner, 1)).status, 202);
                if stopped.try_recv().is_ok() {
                    return;
                }
            }
        });
        until("awards", || (!home.records("awards").is_empty()).then_some(()));
        for topic in ["raw", "events", "awards", "decisions", "rules"] {
            let records = home.records(topic);
            assert!(!records.is_empty(), "{topic}");
            for record in records {
                assert!(record["value"].is_object() && record["error"].is_null(), "{record}");
            }
        }
        for topic in ["rules-processor.state", "rules-processor.dedup", "rules-processor.owners"] {
            until(topic, || (!home.records(topic).is_empty()).then_some(()));
        }
        stop.send(()).unwrap();
    });
    up.stop();
}
