//! Moodle's pages, whose addresses carry the ids in its statements.

/// An address, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'a> {
    path: &'a str,
    query: &'a str,
    fragment: &'a str,
}

impl<'a> Page<'a> {
    /// The parts of an address.
    pub(super) fn of(address: &'a str) -> Self {
        let (rest, fragment) = address.split_once('#').unwrap_or((address, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Self { path, query, fragment }
    }

    /// A parameter of the page that the path ends with.
    pub(super) fn parameter(&self, path_end: &str, name: &str) -> Option<String> {
        if !self.path.ends_with(path_end) {
            return None;
        }
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    }

    /// The id of the activity whose page it is.
    pub(super) fn activity(&self) -> Option<String> {
        if self.path.contains("/mod/") { self.parameter("/view.php", "id") } else { None }
    }

    /// The id of the activity that the attempt on the page is at.
    pub(super) fn activity_of_attempt(&self) -> Option<String> {
        if self.path.contains("/mod/") { self.parameter(".php", "cmid") } else { None }
    }

    /// The id of the quiz attempt that the page shows.
    pub(super) fn attempt(&self) -> Option<String> {
        if self.path.contains("/mod/quiz/") { self.parameter(".php", "attempt") } else { None }
    }

    /// The id of the post that the fragment points to.
    pub(super) fn post(&self) -> Option<String> {
        let id = self.fragment.strip_prefix('p')?;
        (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then(|| id.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_carry_ids() {
        let page =
            Page::of("https://lms.example.edu/moodle/mod/quiz/attempt.php?attempt=55&cmid=44");
        assert_eq!(page.attempt().as_deref(), Some("55"));
        assert_eq!(page.activity(), None);
        assert_eq!(page.activity_of_attempt().as_deref(), Some("44"));
        assert_eq!(page.parameter("/course/view.php", "id"), None);

        let post = Page::of("https://lms.example.edu/mod/forum/discuss.php?d=12#p345");
        assert_eq!(post.parameter("/mod/forum/discuss.php", "d").as_deref(), Some("12"));
        assert_eq!(post.post().as_deref(), Some("345"));
        assert_eq!(post.activity(), None);

        let work = Page::of("https://lms.example.edu/mod/assign/view.php?id=44#submission");
        assert_eq!(work.activity().as_deref(), Some("44"));
        assert_eq!(work.post(), None);

        let course = Page::of("https://lms.example.edu/course/view.php?id=987");
        assert_eq!(course.parameter("/course/view.php", "id").as_deref(), Some("987"));
        assert_eq!(course.activity(), None);
        assert_eq!(Page::of("urn:uuid:1").activity(), None);
    }
}
