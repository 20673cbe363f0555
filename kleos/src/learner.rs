//! `kleos learner`: asks a running rules-processor, and tells it to people.

use std::path::Path;
use std::time::Duration;

use kleos_contracts::ids::TenantId;
use kleos_service_kit::failure::Failure;
use reqwest::blocking::Client;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::LearnerArgs;
use crate::config::{self, Config, Needs};
use crate::output;

const TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) fn run(path: Option<&Path>, args: &LearnerArgs) -> Result<(), Failure> {
    let config = config::read(path, Needs { rules: true, ..Needs::default() })?.value;
    let answer = ask(&config, args)?;
    if args.json {
        return output::line(&answer.to_string());
    }
    let learner: Learner = serde_json::from_value(answer).map_err(Failure::new)?;
    output::line(&tell(&learner))
}

fn ask(config: &Config, args: &LearnerArgs) -> Result<Value, Failure> {
    let tenant: TenantId = args.tenant.parse().map_err(Failure::usage)?;
    let token = config.tenants.get(&tenant).and_then(|tenant| tenant.query_tokens.first());
    let token = token.ok_or_else(|| {
        Failure::new(format!("tenant {tenant} has no query token in the configuration"))
            .remedy(format!("add query_tokens to [tenants.{tenant}], or name its configuration"))
    })?;
    let base = config.rules.as_ref().map(kleos_rules_processor::Settings::url).unwrap_or_default();
    let mut url = reqwest::Url::parse(&base).map_err(Failure::new)?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(["v1", "tenants", tenant.as_str(), "learners", &args.learner]);
    }
    let answer =
        Client::new().get(url).bearer_auth(token.expose()).timeout(TIMEOUT).send().map_err(
            |error| {
                Failure::new("the rules-processor does not answer")
                    .because(&error)
                    .at(&base)
                    .remedy("start it, or name the configuration it runs with by --config")
            },
        )?;
    let status = answer.status();
    let body: Value = answer.json().map_err(Failure::new)?;
    if status.is_success() {
        return Ok(body);
    }
    let message = body.get("message").and_then(Value::as_str).unwrap_or("no reason was given");
    Err(Failure::new(message.to_owned()).at(format!("{base} answered {status}")))
}

/// What is shown of an answer.
#[derive(Debug, Deserialize)]
struct Learner {
    tenant: String,
    learner: String,
    balance: i64,
    badges: Vec<Badge>,
    recent_awards: Vec<Award>,
    limits: Vec<Limit>,
    events: i64,
    awards: i64,
    rule_set_version: i64,
    zone: String,
}

#[derive(Debug, Deserialize)]
struct Badge {
    badge: String,
    granted_at: String,
}

#[derive(Debug, Deserialize)]
struct Award {
    rule_id: String,
    points: i64,
    event: String,
    event_id: String,
    occurred_at: String,
    scope: Option<String>,
    window: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Limit {
    rule_id: String,
    per: String,
    window: Option<String>,
    scope: Option<String>,
    used: i64,
    max: i64,
    left: i64,
    next_eligible_at: Option<String>,
}

fn tell(learner: &Learner) -> String {
    let mut lines = Vec::new();
    let mut line = |words: String| lines.push(words);
    let Learner { balance, events, awards, rule_set_version, zone, .. } = learner;
    line(format!("{} of {}", learner.learner, learner.tenant));
    line(format!("  balance  {balance} points of {awards} awards for {events} events"));
    line(format!("  rules    version {rule_set_version}, days and weeks of {zone}"));
    for badge in &learner.badges {
        line(format!("  badge    {} since {}", badge.badge, badge.granted_at));
    }
    line("  recent awards".to_owned());
    for award in &learner.recent_awards {
        let what = [award.scope.as_deref(), award.window.as_deref()].into_iter().flatten();
        let what: Vec<&str> = what.collect();
        line(format!(
            "    {:>5}  {:<22} {} {} at {} {}",
            format!("{:+}", award.points),
            award.rule_id,
            award.event,
            award.event_id,
            award.occurred_at,
            what.join(" ")
        ));
    }
    line("  limits".to_owned());
    for limit in &learner.limits {
        let place = [limit.window.as_deref(), limit.scope.as_deref()].into_iter().flatten();
        let place: Vec<&str> = place.collect();
        let until = limit.next_eligible_at.as_ref();
        let until = until.map(|at| format!(", again from {at}")).unwrap_or_default();
        line(format!(
            "    {:<22} {:<9} {:<32} {} of {} used, {} left{until}",
            limit.rule_id,
            limit.per,
            place.join(" "),
            limit.used,
            limit.max,
            limit.left
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learner_is_told_in_words() {
        let answer = serde_json::json!({
            "tenant": "demo", "learner": "moodle-demo/8774", "user_id": "8774", "balance": 60,
            "badges": [{"badge": "course_master", "rule_id": "r", "granted_at": "2025-08-21T10:15:30Z"}],
            "recent_awards": [{
                "rule_id": "course_completion", "points": 50, "badge": "course_master",
                "event": "course.completed", "event_id": "9194694",
                "occurred_at": "2025-08-21T10:15:30Z", "scope": "course=moodle-demo/987",
                "window": null
            }],
            "limits": [{
                "rule_id": "lesson_completion", "per": "day", "window": "2025-08-21", "scope": null,
                "used": 3, "max": 3, "left": 0, "next_eligible_at": "2025-08-22T00:00:00Z"
            }],
            "events": 4, "awards": 2, "last_event_at": "2025-08-21T10:15:30Z",
            "rule_set_version": 1, "rule_set_digest": "ab", "zone": "UTC"
        });
        let told = tell(&serde_json::from_value(answer).unwrap());
        for words in [
            "moodle-demo/8774 of demo",
            "60 points of 2 awards for 4 events",
            "course_master since 2025-08-21T10:15:30Z",
            "+50  course_completion      course.completed 9194694",
            "3 of 3 used, 0 left, again from 2025-08-22T00:00:00Z",
        ] {
            assert!(told.contains(words), "{words:?} is not in\n{told}");
        }
    }
}
