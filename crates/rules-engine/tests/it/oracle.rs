//! The default rules a second time, by brute force: the whole history is kept, nothing is counted
//! ahead, nothing forgotten, and no code is shared with the engine.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kleos_contracts::event::LearningEvent;

/// What was paid: rule, points, event id, and what the award is once for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paid {
    pub(crate) rule: &'static str,
    pub(crate) points: i64,
    pub(crate) event_id: String,
    at: i64,
    date: Date,
    place: String,
}

pub(crate) struct Oracle {
    zone: TimeZone,
    log_time: i64,
    accepted: Vec<LearningEvent>,
    pub(crate) paid: Vec<Paid>,
}

impl Oracle {
    pub(crate) fn new(zone: &str) -> Self {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap();
        Self { zone, log_time: i64::MIN, accepted: Vec::new(), paid: Vec::new() }
    }

    pub(crate) fn take(&mut self, event: &LearningEvent) {
        self.log_time = self.log_time.max(event.accepted_at.micros());
        let too_late = self.log_time - event.occurred_at.micros() > 35 * 86_400 * 1_000_000;
        let is_known = self
            .accepted
            .iter()
            .any(|other| (&other.event_id, &other.instance) == (&event.event_id, &event.instance));
        if too_late || is_known {
            return;
        }
        let date = self.date(event);
        let same_day = self.accepted.iter().filter(|other| self.date(other) == date).count();
        self.accepted.push(event.clone());
        if same_day < 1000 && !event.flags.is_test && !event.flags.is_privileged {
            self.pay(event);
        }
    }

    fn date(&self, event: &LearningEvent) -> Date {
        let instant = jiff::Timestamp::from_microsecond(event.occurred_at.micros()).unwrap();
        instant.to_zoned(self.zone.clone()).date()
    }

    fn pay(&mut self, event: &LearningEvent) {
        let context = &event.context;
        let id = |place: &Option<kleos_contracts::event::Place>| {
            place.as_ref().map(|place| format!("{} {}", event.instance, place.id))
        };
        let (course, section) = (id(&context.course), id(&context.section));
        let enough = kleos_contracts::decimal::Percent::whole(80);
        let name = event.event.as_ref();
        if name == "lesson.completed" && self.on_day("lesson_completion", event) < 3 {
            self.give("lesson_completion", 10, event, "");
        }
        let is_mastered = name == "section.mastered"
            || (name == "quiz.completed" && event.metrics.score_pct >= Some(enough));
        if let (true, Some(course), Some(section)) = (is_mastered, &course, &section) {
            self.give_once("section_mastery", 10, event, &format!("{course} {section}"));
        }
        if let ("course.completed", Some(course)) = (name, &course)
            && self.is_in_time(event, course)
        {
            self.give_once("timeboxed_completion", 15, event, course);
        }
        self.streak(event);
        if let ("forum.posted", Some(thread)) = (name, id(&context.thread))
            && self.on_day("forum_post", event) < 3
            && self
                .of("forum_post")
                .all(|paid| (paid.at - event.occurred_at.micros()).abs() >= 600 * 1_000_000)
        {
            self.give_once("forum_post", 5, event, &thread);
        }
        if let ("course.completed", Some(course)) = (name, &course)
            && event.metrics.progress_pct.is_none_or(|progress| progress >= enough)
        {
            self.give_once("course_completion", 50, event, course);
        }
        if let ("programme.completed", Some(programme)) = (name, id(&context.programme)) {
            self.give_once("programme_completion", 100, event, &programme);
        }
    }

    fn is_in_time(&self, event: &LearningEvent, course: &str) -> bool {
        let began = self.accepted.iter().filter(|other| {
            let place = other.context.course.as_ref();
            other.event == "enrollment.created"
                && !other.flags.is_test
                && !other.flags.is_privileged
                && other.occurred_at <= event.occurred_at
                && place.is_some_and(|place| format!("{} {}", other.instance, place.id) == course)
        });
        let earliest = began.map(|other| other.occurred_at.micros()).min();
        earliest.is_some_and(|earliest| {
            event.occurred_at.micros() - earliest <= 30 * 86_400 * 1_000_000
        })
    }

    /// Pays every week that is due and was not paid yet, the earlier first.
    fn streak(&mut self, event: &LearningEvent) {
        if !is_learning(event) {
            return;
        }
        let mondays: BTreeSet<Date> = self
            .accepted
            .iter()
            .filter(|other| {
                is_learning(other) && !other.flags.is_test && !other.flags.is_privileged
            })
            .map(|other| monday(self.date(other)))
            .collect();
        for monday in &mondays {
            let before = monday.checked_sub(jiff::Span::new().weeks(1)).unwrap();
            if mondays.contains(&before) {
                self.give_once("weekly_streak", 20, event, &monday.to_string());
            }
        }
    }

    fn of(&self, rule: &'static str) -> impl Iterator<Item = &Paid> {
        self.paid.iter().filter(move |paid| paid.rule == rule)
    }

    fn on_day(&self, rule: &'static str, event: &LearningEvent) -> usize {
        let date = self.date(event);
        self.of(rule).filter(|paid| paid.date == date).count()
    }

    fn give_once(&mut self, rule: &'static str, points: i64, event: &LearningEvent, place: &str) {
        if self.of(rule).all(|paid| paid.place != place) {
            self.give(rule, points, event, place);
        }
    }

    fn give(&mut self, rule: &'static str, points: i64, event: &LearningEvent, place: &str) {
        self.paid.push(Paid {
            rule,
            points,
            event_id: event.event_id.clone(),
            at: event.occurred_at.micros(),
            date: self.date(event),
            place: place.to_owned(),
        });
    }
}

fn is_learning(event: &LearningEvent) -> bool {
    const DOMAINS: [&str; 7] =
        ["lesson", "section", "quiz", "assignment", "forum", "course", "programme"];
    let (domain, action) = event.event.split_once('.').unwrap_or_default();
    DOMAINS.contains(&domain) && !["uncompleted", "failed", "deleted"].contains(&action)
}

fn monday(date: Date) -> Date {
    let since = i64::from(date.weekday().to_monday_zero_offset());
    date.checked_sub(jiff::Span::new().days(since)).unwrap()
}
