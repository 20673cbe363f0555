//! Which paths there are.

use hyper::Method;

use crate::error::Refusal;

const START: &str = "/api/public/hook/";
const END: &str = "/event";

/// The source that a path names, if it is a hook's. The path is taken as it stands: nothing in it is
/// decoded or resolved.
pub(super) fn source_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix(START)?.strip_suffix(END)?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// The source of a request that delivers an event.
pub(super) fn hook<'p>(method: &Method, path: &'p str) -> Result<&'p str, Refusal> {
    let source = source_of(path).ok_or(Refusal::NotFound)?;
    if *method == Method::POST { Ok(source) } else { Err(Refusal::MethodNotAllowed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_a_path_of_one_form_and_nothing_like_it() {
        for (path, source) in [
            ("/api/public/hook/moodle/event", Some("moodle")),
            ("/api/public/hook/no-such/event", Some("no-such")),
            ("/api/public/hook/m%6fodle/event", Some("m%6fodle")),
            ("/api/public/hook/../event", Some("..")),
            ("/api/public/hook//event", None),
            ("/api/public/hook/event", None),
            ("/api/public/hook/moodle/event/", None),
            ("/api/public/hook/moodle/events", None),
            ("/api/public/hook/moodle/campus-a/event", None),
            ("//api/public/hook/moodle/event", None),
            ("/API/public/hook/moodle/event", None),
            ("/", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(source_of(path), source, "{path}");
        }
    }

    #[test]
    fn an_event_is_posted() {
        let path = "/api/public/hook/moodle/event";
        assert_eq!(hook(&Method::POST, path), Ok("moodle"));
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert_eq!(hook(&method, path), Err(Refusal::MethodNotAllowed), "{method}");
            assert_eq!(hook(&method, "/"), Err(Refusal::NotFound), "{method}");
        }
    }
}
