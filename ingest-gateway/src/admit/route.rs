//! Which paths there are, and what each takes.

use hyper::Method;

use super::Sender;
use crate::error::Refusal;

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Events of a source.
    Events,
    /// Atomic Guide's events of LTI platforms.
    LtiEvents,
    /// Atomic Guide's events of other services.
    Services,
    /// Atomic Guide's own events.
    Internal,
    /// xAPI's statements.
    Statements,
    /// Caliper's envelopes.
    Envelopes,
    /// What a webhook would come to, were it sent.
    Validation,
    /// What can be sent and what is answered.
    Description,
}

impl Resource {
    /// What can be done with it.
    pub(crate) const fn methods(self) -> &'static [Method] {
        match self {
            Self::Statements => &[Method::POST, Method::PUT],
            Self::Description => &[Method::GET],
            Self::Events
            | Self::LtiEvents
            | Self::Services
            | Self::Internal
            | Self::Envelopes
            | Self::Validation => &[Method::POST],
        }
    }

    /// Whether senders of a source may use it, where the path does not name another.
    pub(crate) fn takes(self, source: &str) -> bool {
        self.sources().is_empty() || self.sources().contains(&source)
    }

    /// The sources whose platforms send there, where the path does not name one; none: all.
    const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::Statements => &["xapi", "valamis", "moodle", "openlms", "openedx"],
            Self::Envelopes => &["caliper", "canvas", "openedx"],
            Self::LtiEvents | Self::Services | Self::Internal => &["atomic"],
            Self::Events | Self::Validation | Self::Description => &[],
        }
    }
}

/// Where a request goes, as its path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hook<'p> {
    pub(crate) resource: Resource,
    /// The source, where the path names it; otherwise the credential says which it is.
    pub(crate) source: Option<&'p str>,
    /// The one instance that may send there; otherwise the credential says which it is.
    pub(crate) instance: Option<&'p str>,
}

impl<'p> Hook<'p> {
    /// Whether senders of a source may send there.
    pub(super) fn takes(self, source: &str) -> bool {
        self.source.map_or(self.resource.takes(source), |named| named == source)
    }

    /// Whether a sender may send there.
    pub(super) fn is_of(self, sender: &Sender) -> bool {
        self.takes(&sender.source)
            && self.instance.is_none_or(|instance| instance == sender.instance)
    }

    /// The source whose metrics count a request before its sender is known.
    pub(super) fn presumed_source(self) -> Option<&'p str> {
        self.source.or_else(|| self.resource.sources().first().copied())
    }
}

/// What a path names. The path is taken as it stands: nothing in it is decoded or resolved.
pub(super) fn of(path: &str) -> Option<Hook<'_>> {
    let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    if parts.contains(&"") {
        return None;
    }
    let (resource, source, instance) = match *parts.as_slice() {
        ["api", "public", "hook", source, "event"] => (Resource::Events, Some(source), None),
        ["api", "public", "hook", source, instance, "event"] => {
            (Resource::Events, Some(source), Some(instance))
        }
        ["webhooks", "learnault"] => (Resource::Events, Some("learnault"), None),
        ["webhooks", "lti", "events"] => (Resource::LtiEvents, None, None),
        ["webhooks", "services", _] => (Resource::Services, None, None),
        ["webhooks", "internal", _] => (Resource::Internal, None, None),
        ["xapi", "statements"] => (Resource::Statements, None, None),
        ["xapi", instance, "statements"] => (Resource::Statements, None, Some(instance)),
        ["caliper", "events"] => (Resource::Envelopes, None, None),
        ["caliper", instance, "events"] => (Resource::Envelopes, None, Some(instance)),
        ["api", "public", "validate", "webhook"] => (Resource::Validation, None, None),
        ["openapi.json"] => (Resource::Description, None, None),
        _ => return None,
    };
    Some(Hook { resource, source, instance })
}

/// Where a request goes, if it does there what can be done.
pub(super) fn hook<'p>(method: &Method, path: &'p str) -> Result<Hook<'p>, Refusal> {
    let hook = of(path).ok_or(Refusal::NotFound)?;
    let allowed = hook.resource.methods();
    if allowed.contains(method) { Ok(hook) } else { Err(Refusal::MethodNotAllowed { allowed }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_goes_to_its_source_and_nothing_like_that_path_is_one() {
        for (path, names) in [
            ("/api/public/hook/moodle/event", Some(("moodle", None))),
            ("/api/public/hook/no-such/event", Some(("no-such", None))),
            ("/api/public/hook/m%6fodle/event", Some(("m%6fodle", None))),
            ("/api/public/hook/../event", Some(("..", None))),
            ("/api/public/hook/moodle/campus-a/event", Some(("moodle", Some("campus-a")))),
            ("/api/public/hook/moodle/../event", Some(("moodle", Some("..")))),
            ("/api/public/hook/moodle/event/event", Some(("moodle", Some("event")))),
            ("/webhooks/learnault", Some(("learnault", None))),
            ("/webhooks/learnault/", None),
            ("/webhooks/moodle", None),
            ("/api/public/hook/moodle/campus-a/more/event", None),
            ("/api/public/hook/moodle//event", None),
            ("/api/public/hook//campus-a/event", None),
            ("/api/public/hook//event", None),
            ("/api/public/hook/event", None),
            ("/api/public/hook/moodle/event/", None),
            ("/api/public/hook/moodle/events", None),
            ("//api/public/hook/moodle/event", None),
            ("/API/public/hook/moodle/event", None),
            ("/", None),
            ("*", None),
            ("", None),
        ] {
            let expected = names.map(|(source, instance)| Hook {
                resource: Resource::Events,
                source: Some(source),
                instance,
            });
            assert_eq!(of(path), expected, "{path}");
        }
    }

    #[test]
    fn other_paths_are_for_the_sources_that_send_there() {
        type Row =
            (&'static str, Option<(Resource, Option<&'static str>)>, &'static [&'static str]);
        let rows: [Row; 13] = [
            ("/webhooks/lti/events", Some((Resource::LtiEvents, None)), &["atomic"]),
            ("/webhooks/services/grading", Some((Resource::Services, None)), &["atomic"]),
            ("/webhooks/internal/video.watched", Some((Resource::Internal, None)), &["atomic"]),
            ("/webhooks/services", None, &[]),
            ("/webhooks/services/a/b", None, &[]),
            ("/xapi/statements", Some((Resource::Statements, None)), &["xapi", "moodle"]),
            ("/xapi/lrs-1/statements", Some((Resource::Statements, Some("lrs-1"))), &["valamis"]),
            ("/xapi//statements", None, &[]),
            ("/xapi/statements/", None, &[]),
            ("/caliper/events", Some((Resource::Envelopes, None)), &["caliper", "canvas"]),
            ("/caliper/lms/events", Some((Resource::Envelopes, Some("lms"))), &["openedx"]),
            (
                "/api/public/validate/webhook",
                Some((Resource::Validation, None)),
                &["moodle", "custom", "atomic"],
            ),
            ("/api/public/validate", None, &[]),
        ];
        for (path, expected, sources) in rows {
            let found = of(path);
            assert_eq!(found.map(|hook| (hook.resource, hook.instance)), expected, "{path}");
            for source in sources {
                assert!(found.unwrap().takes(source), "{path} {source}");
            }
            let is_open = matches!(expected, Some((Resource::Validation, _)));
            assert_eq!(found.is_some_and(|hook| hook.takes("thinkific")), is_open, "{path}");
        }
    }

    #[test]
    fn only_statements_can_be_put() {
        for (path, is_put) in [
            ("/api/public/hook/moodle/event", false),
            ("/xapi/statements", true),
            ("/caliper/events", false),
            ("/api/public/validate/webhook", false),
        ] {
            let allowed = of(path).unwrap().resource.methods();
            let methods = [Method::POST, Method::PUT, Method::GET, Method::HEAD, Method::DELETE];
            for method in methods {
                let is_allowed = method == Method::POST || is_put && method == Method::PUT;
                let expected =
                    if is_allowed { Ok(()) } else { Err(Refusal::MethodNotAllowed { allowed }) };
                assert_eq!(hook(&method, path).map(drop), expected, "{method} {path}");
                assert_eq!(hook(&method, "/"), Err(Refusal::NotFound), "{method}");
            }
        }
    }
}
