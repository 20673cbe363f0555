//! Runs `tests/scenarios/*.txt`: tables that people can read.
//!
//! A line is a word and columns; columns stand two or more spaces apart. Times are civil times of
//! the zone, or UTC with a `Z`.
//!
//! ```text
//! rules  default                    or the name of a file in the folder
//! zone   Europe/Berlin              UTC if left out
//! given  2026-11-22 10:00  lesson.completed  course=987  lesson=l-1
//!                                   an event whose result is of no interest here
//! when   2026-11-22 10:00  lesson.completed  course=987  arrives=2026-11-23T08:00
//!                                   an event; the lines below it say all that it earns
//! then   lesson_completion  +10  window=2026-11-22
//!                                   an award, in order
//! then   nothing                    no award at all
//! then   forum_post  cooldown  until=2026-11-22T10:10
//!                                   a verdict
//! then   outcome  duplicate
//! then   balance  30
//! then   badges   course_master
//! ```

use std::path::Path;

use jiff::civil::DateTime;
use kleos_contracts::award::Award;
use kleos_contracts::decision::{Decision, RuleVerdict};
use kleos_contracts::event::{LearningEvent, Place};
use kleos_contracts::time::Timestamp;
use kleos_rules_engine::DEFAULT_RULES;

use crate::driver::{Learner, rules};

/// The folder's files by name.
#[allow(clippy::disallowed_methods, reason = "the engine reads no files, its tests do")]
fn files(extension: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_scenario_ends_as_it_says() {
    let scenarios = files("txt");
    assert!(scenarios.len() >= 12, "scenarios are missing: {}", scenarios.len());
    for (name, text) in scenarios {
        let mut scenario = Scenario::default();
        for (index, line) in text.lines().enumerate() {
            scenario.place = format!("{name}:{}", index + 1);
            scenario.line(line);
        }
        scenario.finish_event();
        assert!(scenario.checked > 0, "{name} checks nothing");
    }
}

#[derive(Default)]
struct Scenario {
    place: String,
    rules: Option<String>,
    zone: Option<String>,
    learner: Option<Learner>,
    events: usize,
    checked: usize,
    open: Option<Open>,
}

/// The last `when`, as far as `then` has told of it.
struct Open {
    place: String,
    decision: Decision,
    awards: Vec<Award>,
    told_awards: usize,
    is_told: bool,
}

impl Scenario {
    fn line(&mut self, line: &str) {
        let line = line.split('#').next().unwrap_or_default().trim();
        let columns: Vec<&str> =
            line.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
        let place = self.place.clone();
        match columns.as_slice() {
            [] => {}
            ["rules", name] => self.rules = Some((*name).to_owned()),
            ["zone", name] => self.zone = Some((*name).to_owned()),
            ["given", rest @ ..] => {
                self.finish_event();
                self.take(rest);
            }
            ["when", rest @ ..] => {
                self.finish_event();
                let (decision, awards) = self.take(rest);
                self.open = Some(Open { place, decision, awards, told_awards: 0, is_told: false });
            }
            ["then", rest @ ..] => self.then(rest),
            _ => panic!("{place}: cannot read {line:?}"),
        }
    }

    fn learner(&mut self) -> &mut Learner {
        let (name, zone) = (self.rules.as_deref(), self.zone.as_deref().unwrap_or("UTC"));
        self.learner.get_or_insert_with(|| {
            let rule_set = match name.expect("rules come first") {
                "default" => rules(DEFAULT_RULES),
                name => {
                    let found = files("json").into_iter().find(|(file, _)| file == name);
                    rules(&found.expect("the rule file is in the folder").1)
                }
            };
            Learner::new(rule_set, zone)
        })
    }

    fn take(&mut self, columns: &[&str]) -> (Decision, Vec<Award>) {
        let [time, name, rest @ ..] = columns else {
            panic!("{}: expected a time and an event", self.place)
        };
        let zone = self.learner().zone.name().to_owned();
        let mut event = LearningEvent {
            event: (*name).to_owned().into(),
            source: "moodle".to_owned(),
            instance: "campus-a".to_owned(),
            tenant: "acme".to_owned(),
            occurred_at: instant(time, &zone),
            ..LearningEvent::default()
        };
        event.user.id = "8774".to_owned();
        event.user.key = "campus-a/8774".to_owned();
        event.accepted_at = event.occurred_at;
        let mut times = 1;
        for setting in rest.iter().flat_map(|column| column.split_whitespace()) {
            match setting.split_once('=') {
                Some(("times", count)) => times = count.parse().unwrap(),
                Some(("arrives", time)) => event.accepted_at = instant(time, &zone),
                _ => set(&mut event, setting, &self.place),
            }
        }
        let named = !event.event_id.is_empty();
        let mut last = None;
        for _ in 0..times {
            self.events += 1;
            if !named {
                event.event_id = format!("evt-{}", self.events);
            }
            last = self.learner().take(&event);
        }
        last.unwrap_or_else(|| panic!("{}: too late", self.place))
    }

    fn then(&mut self, columns: &[&str]) {
        self.checked += 1;
        let place = self.place.clone();
        let learner = self.learner();
        let (state, zone) = (learner.state.clone(), learner.zone.name().to_owned());
        let open = self.open.as_mut().unwrap_or_else(|| panic!("{place}: then without when"));
        match columns {
            ["nothing"] => {
                open.is_told = true;
                assert_eq!(open.awards, [], "{place}");
            }
            ["outcome", outcome] => {
                open.is_told |= *outcome != "decided";
                assert_eq!(open.decision.outcome, *outcome, "{place}");
            }
            ["balance", balance] => assert_eq!(state.balance.to_string(), *balance, "{place}"),
            ["badges", rest @ ..] => {
                let held: Vec<_> = state.badges.iter().map(|held| held.badge.as_str()).collect();
                assert_eq!(held, rest, "{place}");
            }
            [rule, points, rest @ ..] if points.starts_with('+') => {
                let award = open.awards.get(open.told_awards);
                let award = award.unwrap_or_else(|| panic!("{place}: {}", said(&open.decision)));
                open.told_awards += 1;
                check_award(award, rule, points, rest, &place);
            }
            [rule, code, rest @ ..] => {
                let mut verdicts = open.decision.verdicts.iter();
                let verdict = verdicts.find(|verdict| verdict.rule_id == *rule);
                let verdict = verdict.unwrap_or_else(|| panic!("{place}: no verdict of {rule}"));
                assert_eq!(verdict.verdict, *code, "{place}: {}", said(&open.decision));
                check_verdict(verdict, rest, &zone, &place);
            }
            _ => panic!("{place}: cannot read {columns:?}"),
        }
    }

    /// All that the event earned must have been told.
    fn finish_event(&mut self) {
        let Some(open) = self.open.take() else { return };
        let told = open.told_awards;
        assert_eq!(told, open.awards.len(), "{}: {}", open.place, said(&open.decision));
        assert!(open.is_told || told > 0, "{}: say what follows, or nothing", open.place);
    }
}

fn check_award(award: &Award, rule: &str, points: &str, rest: &[&str], place: &str) {
    assert_eq!(
        (award.rule_id.as_str(), format!("+{}", award.points).as_str()),
        (rule, points),
        "{place}"
    );
    for expected in rest {
        let found = match expected.split_once('=') {
            Some(("window", _)) => {
                format!("window={}", award.window.as_deref().unwrap_or_default())
            }
            Some(("badge", _)) => format!("badge={}", award.badge.as_deref().unwrap_or_default()),
            Some(("event", _)) => format!("event={}", award.event_id),
            _ => format!("for {}", award.scope.as_deref().unwrap_or_default()),
        };
        assert_eq!(found, **expected, "{place}");
    }
}

fn check_verdict(verdict: &RuleVerdict, rest: &[&str], zone: &str, place: &str) {
    for expected in rest {
        match expected.split_once('=') {
            Some(("until", time)) => {
                assert_eq!(verdict.next_eligible_at, Some(instant(time, zone)), "{place}");
            }
            _ if expected.starts_with("because ") => {
                let leaf = verdict.leaf.as_deref().unwrap_or_default();
                assert_eq!(format!("because {leaf}"), **expected, "{place}");
            }
            _ if expected.starts_with("found ") => {
                let observed = verdict.observed.as_deref().unwrap_or_default();
                assert_eq!(format!("found {observed}"), **expected, "{place}");
            }
            _ => panic!("{place}: cannot read {expected:?}"),
        }
    }
}

fn said(decision: &Decision) -> String {
    let verdicts = decision.verdicts.iter().map(|verdict| {
        format!("{} {} +{} {:?}", verdict.rule_id, verdict.verdict, verdict.points, verdict.leaf)
    });
    format!("{}: {}", decision.outcome, verdicts.collect::<Vec<_>>().join("; "))
}

fn set(event: &mut LearningEvent, setting: &str, place: &str) {
    let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
    let at = || Some(Place { id: value.to_owned(), title: None });
    match name {
        "id" => event.event_id = value.to_owned(),
        "instance" => event.instance = value.to_owned(),
        "source" => event.source = value.to_owned(),
        "course" => event.context.course = at(),
        "section" => event.context.section = at(),
        "lesson" => event.context.lesson = at(),
        "programme" => event.context.programme = at(),
        "thread" => event.context.thread = at(),
        "progress" => event.metrics.progress_pct = Some(value.parse().unwrap()),
        "score" => event.metrics.score_pct = Some(value.parse().unwrap()),
        "seconds" => event.metrics.time_on_task_sec = Some(value.parse().unwrap()),
        "test" => event.flags.is_test = true,
        "privileged" => event.flags.is_privileged = true,
        _ => panic!("{place}: unknown setting {setting:?}"),
    }
}

fn instant(text: &str, zone: &str) -> Timestamp {
    let (civil, zone) = text.strip_suffix('Z').map_or((text, zone), |civil| (civil, "UTC"));
    let civil: DateTime =
        civil.replace(' ', "T").parse().unwrap_or_else(|_| panic!("time {text:?}"));
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap();
    let instant = civil.to_zoned(zone).unwrap().timestamp();
    Timestamp::from_micros(instant.as_microsecond())
}
