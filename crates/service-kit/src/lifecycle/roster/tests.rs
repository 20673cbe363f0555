use super::*;

/// Events in a short form, `+` starts, `-` ends, `!` fails, `?` panics; components are named by
/// their phase.
fn event(text: &str) -> Event {
    let component = |name: &str| match name {
        "intake" => (ComponentId(1), Phase::Intake),
        "work" => (ComponentId(2), Phase::Work),
        "work-2" => (ComponentId(3), Phase::Work),
        "support" => (ComponentId(4), Phase::Support),
        other => panic!("{other}"),
    };
    let ended = |name, outcome| Event::Ended { id: component(name).0, outcome };
    match text.split_at(1) {
        ("+", name) => {
            let (id, phase) = component(name);
            Event::Started { id, name: name.to_owned(), phase }
        }
        ("-", name) => ended(name, Outcome::Done),
        ("!", name) => ended(name, Outcome::Failed("no disk".to_owned())),
        ("?", name) => ended(name, Outcome::Panicked("no way".to_owned())),
        _ if text == "all started" => Event::AllStarted,
        _ if text == "stop" => Event::StopRequested(StopReason::Signal("SIGTERM")),
        _ if text == "now" => Event::StopNow,
        _ if text == "deadline" => Event::DeadlinePassed,
        _ => panic!("{text}"),
    }
}

/// Effects in a short form, without reports.
fn shown(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Report { .. } => None,
        Effect::BeginStop(reason) => Some(format!("begin ({reason})")),
        Effect::StopPhase(phase) => Some(format!("stop {phase:?}")),
        Effect::Finish(Ok(())) => Some("finish".to_owned()),
        Effect::Finish(Err(error)) => Some(format!("finish: {error}")),
    }
}

#[track_caller]
fn check(steps: &[(&str, &str)]) {
    let mut roster = Roster::default();
    for (step, expected) in steps {
        let effects: Vec<String> = roster.on(event(step)).iter().filter_map(shown).collect();
        assert_eq!(effects.join(", "), *expected, "after {step}");
    }
}

const ALL: [(&str, &str); 4] =
    [("+intake", ""), ("+work", ""), ("+support", ""), ("all started", "")];

#[track_caller]
fn check_after_start(steps: &[(&str, &str)]) {
    check(&[&ALL, steps].concat());
}

#[test]
fn each_phase_is_asked_to_stop_when_the_one_before_it_has_ended() {
    check_after_start(&[
        ("stop", "begin (SIGTERM), stop Intake"),
        ("-intake", "stop Work"),
        ("-work", "stop Support"),
        ("-support", "finish"),
    ]);
}

#[test]
fn a_phase_waits_for_all_of_its_components_and_of_those_before() {
    check_after_start(&[
        ("+work-2", ""),
        ("stop", "begin (SIGTERM), stop Intake"),
        ("-work", ""),
        ("-support", ""),
        ("-intake", "stop Work"),
        ("-work-2", "stop Support, finish"),
    ]);
}

#[test]
fn a_component_that_starts_late_is_waited_for_too() {
    check_after_start(&[
        ("stop", "begin (SIGTERM), stop Intake"),
        ("-intake", "stop Work"),
        ("+intake", ""),
        ("-work", ""),
        ("-intake", "stop Support"),
        ("-support", "finish"),
    ]);
}

#[test]
fn a_second_request_changes_nothing_but_an_immediate_one_ends_it() {
    check_after_start(&[
        ("stop", "begin (SIGTERM), stop Intake"),
        ("stop", ""),
        ("-intake", "stop Work"),
        ("now", "finish: interrupted while work, support still ran"),
    ]);
    check_after_start(&[("now", "finish: interrupted while intake, work, support still ran")]);
}

#[test]
fn a_component_that_fails_or_panics_stops_the_process_with_its_reason() {
    check_after_start(&[
        ("!work", "begin (work failed), stop Intake"),
        ("-intake", "stop Work, stop Support"),
        ("-support", "finish: work failed: no disk"),
    ]);
    check_after_start(&[
        ("?support", "begin (support failed), stop Intake"),
        ("-intake", "stop Work"),
        ("-work", "stop Support, finish: support panicked: no way"),
    ]);
}

#[test]
fn the_first_failure_is_the_reason_and_one_while_stopping_counts() {
    check_after_start(&[
        ("!work", "begin (work failed), stop Intake"),
        ("?intake", "stop Work, stop Support"),
        ("-support", "finish: work failed: no disk"),
    ]);
    check_after_start(&[
        ("stop", "begin (SIGTERM), stop Intake"),
        ("!intake", "stop Work"),
        ("-work", "stop Support"),
        ("-support", "finish: intake failed: no disk"),
    ]);
}

#[test]
fn who_is_late_is_named_unless_something_failed_before() {
    check_after_start(&[
        ("stop", "begin (SIGTERM), stop Intake"),
        ("-work", ""),
        ("deadline", "finish: intake did not stop in time"),
    ]);
    check_after_start(&[
        ("+work-2", ""),
        ("stop", "begin (SIGTERM), stop Intake"),
        ("-intake", "stop Work"),
        ("deadline", "finish: work, work-2 did not stop in time"),
    ]);
    check_after_start(&[
        ("!work", "begin (work failed), stop Intake"),
        ("deadline", "finish: work failed: no disk"),
    ]);
}

#[test]
fn a_process_whose_work_is_done_stops_but_not_before_all_have_started() {
    check(&[
        ("+work", ""),
        ("-work", ""),
        ("+support", ""),
        ("+work-2", ""),
        ("all started", ""),
        ("-work-2", "begin (all work is done), stop Intake, stop Work, stop Support"),
        ("-support", "finish"),
    ]);
    check(&[(
        "all started",
        "begin (all work is done), stop Intake, stop Work, stop Support, finish",
    )]);
}

#[test]
fn a_stop_while_starting_is_orderly_too() {
    check(&[
        ("+support", ""),
        ("stop", "begin (SIGTERM), stop Intake, stop Work, stop Support"),
        ("-support", "finish"),
    ]);
}

#[test]
fn every_end_is_reported_once() {
    let mut roster = Roster::default();
    assert_eq!(roster.on(event("+work")), []);
    let report = Effect::Report { name: "work".to_owned(), outcome: Outcome::Done };
    assert_eq!(roster.on(event("-work")), [report]);
    assert_eq!(roster.on(event("-work")), []);
    assert!(roster.running.is_empty());
}
