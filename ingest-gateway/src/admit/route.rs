//! Which paths there are.

use hyper::Method;

use super::Sender;
use crate::error::Refusal;

const START: &str = "/api/public/hook/";
const END: &str = "/event";

/// Where an event goes, as its path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hook<'p> {
    pub(super) source: &'p str,
    /// The one instance that may send there; otherwise the credential says which it is.
    pub(super) instance: Option<&'p str>,
}

impl Hook<'_> {
    /// Whether a sender may send there.
    pub(super) fn is_of(self, sender: &Sender) -> bool {
        sender.source == self.source
            && self.instance.is_none_or(|instance| instance == sender.instance)
    }
}

/// What a path names, if it is a hook's: `/api/public/hook/{source}/event`, or with
/// `{source}/{instance}`. The path is taken as it stands: nothing in it is decoded or resolved.
pub(super) fn of(path: &str) -> Option<Hook<'_>> {
    let names = path.strip_prefix(START)?.strip_suffix(END)?;
    let (source, instance) = match names.split_once('/') {
        None => (names, None),
        Some((source, instance)) => (source, Some(instance)),
    };
    let is_name = |name: &str| !name.is_empty() && !name.contains('/');
    (is_name(source) && instance.is_none_or(is_name)).then_some(Hook { source, instance })
}

/// Where a request delivers an event.
pub(super) fn hook<'p>(method: &Method, path: &'p str) -> Result<Hook<'p>, Refusal> {
    let hook = of(path).ok_or(Refusal::NotFound)?;
    if *method == Method::POST { Ok(hook) } else { Err(Refusal::MethodNotAllowed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_a_path_of_two_forms_and_nothing_like_them() {
        for (path, names) in [
            ("/api/public/hook/moodle/event", Some(("moodle", None))),
            ("/api/public/hook/no-such/event", Some(("no-such", None))),
            ("/api/public/hook/m%6fodle/event", Some(("m%6fodle", None))),
            ("/api/public/hook/../event", Some(("..", None))),
            ("/api/public/hook/moodle/campus-a/event", Some(("moodle", Some("campus-a")))),
            ("/api/public/hook/moodle/../event", Some(("moodle", Some("..")))),
            ("/api/public/hook/moodle/event/event", Some(("moodle", Some("event")))),
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
            let expected = names.map(|(source, instance)| Hook { source, instance });
            assert_eq!(of(path), expected, "{path}");
        }
    }

    #[test]
    fn an_event_is_posted() {
        let path = "/api/public/hook/moodle/event";
        assert_eq!(hook(&Method::POST, path), Ok(Hook { source: "moodle", instance: None }));
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert_eq!(hook(&method, path), Err(Refusal::MethodNotAllowed), "{method}");
            assert_eq!(hook(&method, "/"), Err(Refusal::NotFound), "{method}");
        }
    }
}
