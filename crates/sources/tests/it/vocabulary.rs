//! Which of a platform's types leads to which event: one table a platform, and each type's way
//! through the whole mapping.

use kleos_contracts::event_name;
use kleos_sources::{InstanceProfile, Item, normalize};
use serde_json::{Value, json};

use crate::kit::webhook;

/// What one type comes to: an event's name, or why there is none.
#[track_caller]
fn check(source: &str, body: &Value, expected: &str) {
    let webhook = webhook(source, body.to_string().as_bytes());
    let items = normalize(&webhook, &InstanceProfile::default());
    let found = match items.as_slice() {
        [Item::Event(event)] => {
            assert!(event_name::entry(&event.event).is_some(), "{}", event.event);
            assert_eq!(event.user.id, "8774", "{body}");
            event.event.to_string()
        }
        [Item::Ignored { why, .. }] => (*why).to_owned(),
        [Item::Unmapped { .. }] => "unmapped".to_owned(),
        other => panic!("{body}: {other:?}"),
    };
    assert_eq!(found, expected, "{body}");
}

#[test]
fn thinkifics_topics_lead_to_these_events() {
    for (topic, expected) in [
        ("course.created", "not_about_a_learner"),
        ("enrollment.completed", "course.completed"),
        ("enrollment.created", "enrollment.created"),
        ("enrollment.progress", "course.progressed"),
        ("enrollment.trial", "enrollment.trial_started"),
        ("enrollment.updated", "unmapped"),
        ("lead.created", "not_about_a_learner"),
        ("lesson.completed", "lesson.completed"),
        ("order.created", "order.created"),
        ("order_transaction.failed", "payment.failed"),
        ("order_transaction.refunded", "payment.refunded"),
        ("order_transaction.succeeded", "payment.succeeded"),
        ("product.updated", "not_about_a_learner"),
        ("quiz.attempted", "quiz.completed"),
        ("subscription.canceled", "subscription.cancelled"),
        ("subscription.cancelled", "subscription.cancelled"),
        ("subscription.past_due", "subscription.past_due"),
        ("subscription.unpaid", "subscription.unpaid"),
        ("user.deleted", "user.deleted"),
        ("user.signin", "user.logged_in"),
        ("user.signup", "user.created"),
        ("user.updated", "user.updated"),
    ] {
        let (resource, action) = topic.split_once('.').unwrap();
        let payload = match resource {
            "user" => json!({"id": 8774}),
            "order_transaction" => json!({"id": 1, "order": {"user": {"id": 8774}}}),
            _ => json!({"id": 1, "user": {"id": 8774}}),
        };
        let own = json!({"id": "1", "resource": resource, "action": action, "payload": payload});
        check("thinkific", &own, expected);
        check("thinkific", &json!({"topic": topic, "payload": payload}), expected);
    }
    let documented = json!({"topic": "course.completed", "payload": {"user": {"id": 8774}}});
    check("thinkific", &documented, "course.completed");
}

#[test]
fn moodles_events_are_open_lms_events_too() {
    for (name, expected) in [
        ("core\\event\\badge_awarded", "badge.awarded"),
        ("core\\event\\course_completed", "course.completed"),
        ("core\\event\\user_created", "user.created"),
        ("core\\event\\user_enrolment_created", "enrollment.created"),
        ("core\\event\\user_graded", "quiz.graded"),
        ("core\\event\\user_loggedin", "user.logged_in"),
        ("local_webhooks\\event\\response_answer", "own_event"),
        ("mod_assign\\event\\assessable_submitted", "assignment.submitted"),
        ("mod_collaborate\\event\\session_launched", "unmapped"),
        ("mod_forum\\event\\post_created", "forum.posted"),
        ("mod_hsuforum\\event\\discussion_created", "forum.posted"),
        ("mod_hsuforum\\event\\post_created", "forum.posted"),
        ("mod_quiz\\event\\attempt_submitted", "quiz.completed"),
        ("tool_certificate\\event\\certificate_issued", "certificate.issued"),
    ] {
        let body = json!({"eventname": name, "userid": 8774, "relateduserid": 8774});
        check("moodle", &body, expected);
        check("openlms", &body, expected);
    }
    for (state, expected) in [
        (0, "lesson.uncompleted"),
        (1, "lesson.completed"),
        (2, "lesson.completed"),
        (3, "lesson.failed"),
        (4, "lesson.failed"),
    ] {
        let name = "core\\event\\course_module_completion_updated";
        let other = json!({"completionstate": state});
        check(
            "openlms",
            &json!({"eventname": name, "relateduserid": 8774, "other": other}),
            expected,
        );
    }
}

#[test]
fn learnworlds_types_and_what_schools_type_lead_to_these_events() {
    let user = json!({"id": 8774, "created": 1_742_911_330.5, "last_login": 1_755_770_000.5});
    for (r#type, trigger, expected) in [
        ("awardedCertificate", "certificate_awarded", "certificate.issued"),
        ("courseCompleted", "course_completed", "course.completed"),
        ("enrolledFreeCourse", "enrolled_free", "enrollment.created"),
        ("leadCreated", "email_register", "not_about_a_learner"),
        ("learningProgramCompleted", "learning_program_completed", "programme.completed"),
        ("lessonStarred", "lesson_starred", "unmapped"),
        ("paymentCreated", "new_purchase", "payment.succeeded"),
        ("previewedFree", "free_section_previewed", "course.viewed"),
        ("productBought", "new_purchase", "order.created"),
        ("subscriptionPaymentPlanBought", "subscription_started", "subscription.started"),
        ("subscriptionPaymentPlanCanceled", "subscription_cancelled", "subscription.cancelled"),
        ("subscriptionTrialStarted", "subscription_trial_started", "subscription.trial_started"),
        ("subscriptionTrialWillEnd", "subscription_trial_will_end", "announcement"),
        ("subscriptionUpdated", "subsription_changed", "subscription.updated"),
        ("userTagAdded", "user_tag_added", "user.updated"),
        ("userTagDeleted", "user_tag_deleted", "user.updated"),
        ("userUnenrolledFromProduct", "unenrolled_from_product", "enrollment.deleted"),
        ("userUpdated", "user_updated", "user.updated"),
    ] {
        let data = match trigger {
            "subscription_started" => json!({"user": {"user": user}}),
            "user_tag_added" | "user_tag_deleted" => user.clone(),
            _ => json!({"user": user}),
        };
        let own = json!({"version": 2, "type": r#type, "trigger": trigger, "data": data});
        check("learnworlds", &own, expected);
    }
    let bought = json!({"type": "productBought", "data": {
        "user": user, "payment": {"id": "p", "product": {"id": "c", "type": "course"}}
    }});
    check("learnworlds", &bought, "enrollment.created");
    let registered = json!({"type": "userUpdated", "data": {
        "user": {"id": 8774, "created": 1_755_771_330.435_539, "last_login": 1_755_771_330.5}
    }});
    check("learnworlds", &registered, "user.created");
    for (written, expected) in [
        ("course.completed", "course.completed"),
        ("enrollment.created", "enrollment.created"),
        ("lesson.completed", "lesson.completed"),
        ("lesson.starred", "unmapped"),
        ("program.completed", "programme.completed"),
    ] {
        check("learnworlds", &json!({"event": written, "user": {"id": 8774}}), expected);
        check("learnworlds", &json!({"topic": written, "data": {"user_id": 8774}}), expected);
    }
}

#[test]
fn teachfloors_types_lead_to_these_events_in_both_envelopes() {
    let member = json!({"id": 8774, "object": "member"});
    for (r#type, expected) in [
        ("app.installed", "not_about_a_learner"),
        ("app.uninstalled", "not_about_a_learner"),
        ("course.completed", "course.completed"),
        ("course.created", "not_about_a_learner"),
        ("course.join", "enrollment.created"),
        ("course.updated", "not_about_a_learner"),
        ("element.completed", "lesson.completed"),
        ("element.created", "not_about_a_learner"),
        ("element.deleted", "not_about_a_learner"),
        ("element.updated", "not_about_a_learner"),
        ("member.joined", "enrollment.created"),
        ("member.left", "unmapped"),
        ("member.login", "user.logged_in"),
        ("module.created", "not_about_a_learner"),
        ("module.updated", "not_about_a_learner"),
        ("test.event", "test"),
    ] {
        let data = json!({"member": member});
        check("teachfloor", &json!({"id": "e", "type": r#type, "data": data}), expected);
        check("teachfloor", &json!({"event": r#type, "data": data}), expected);
    }
    for (element, passed, expected) in [
        ("quiz", json!(true), "quiz.completed"),
        ("quiz", json!(null), "quiz.completed"),
        ("quiz", json!(false), "quiz.failed"),
        ("assignment", json!(true), "lesson.completed"),
        ("assignment", json!(false), "lesson.failed"),
    ] {
        let context = json!({"id": "e", "object": "element", "type": element});
        let data = json!({"member": member, "passed": passed, "context": context});
        check("teachfloor", &json!({"type": "element.completed", "data": data}), expected);
    }
}

#[test]
fn learnaults_types_lead_to_these_events_in_both_envelopes() {
    for (r#type, expected) in [
        ("credential.issued", "certificate.issued"),
        ("credential.revoked", "certificate.revoked"),
        ("credential.verified", "not_by_the_learner"),
        ("employer.contacted", "not_by_the_learner"),
        ("employer.searched", "not_about_a_learner"),
        ("employer.subscribed", "not_about_a_learner"),
        ("milestone.reached", "milestone.reached"),
        ("module.completed", "lesson.completed"),
        ("module.failed", "quiz.failed"),
        ("module.liked", "unmapped"),
        ("module.started", "lesson.started"),
        ("referral.converted", "referral.converted"),
        ("referral.created", "referral.created"),
        ("referral.rewarded", "referral.rewarded"),
        ("reward.failed", "reward.failed"),
        ("reward.issued", "reward.issued"),
        ("reward.withdrawn", "reward.withdrawn"),
        ("system.test", "test"),
        ("user.created", "user.created"),
        ("user.deleted", "user.deleted"),
        ("user.registered", "user.created"),
        ("user.updated", "user.updated"),
        ("user.verified", "user.verified"),
        ("webhook.disabled", "own_event"),
        ("webhook.test", "test"),
    ] {
        let is_referral = r#type.starts_with("referral.");
        let data = if is_referral { json!({"referrerId": 8774}) } else { json!({"userId": 8774}) };
        check("learnault", &json!({"id": "e", "type": r#type, "data": data}), expected);
        check("learnault", &json!({"eventId": "e", "eventType": r#type, "data": data}), expected);
    }
}
