//! Where a statement's event happened: the object and what stands around it.

use kleos_contracts::event::{Context, Place};
use serde_json::Value;

use super::super::iri::Page;
use super::super::table::Kind;
use super::super::{is_course, is_real};
use crate::read::text;

/// More activities around a statement are not looked at. The plugin names at most four.
const MAX_ACTIVITIES: usize = 32;

/// The activities of a statement, those around the object first: their names are the places' own,
/// while the object's can be "Submission of …".
#[derive(Debug)]
pub(super) struct Places<'a> {
    activities: Vec<Activity<'a>>,
}

#[derive(Debug)]
struct Activity<'a> {
    page: Page<'a>,
    definition: Option<&'a Value>,
}

impl<'a> Places<'a> {
    /// The activities of a statement's object and context.
    pub(super) fn of(object: Option<&'a Value>, context: Option<&'a Value>) -> Self {
        let around = context.and_then(|context| context.get("contextActivities"));
        let activities = ["parent", "grouping"]
            .into_iter()
            .filter_map(|role| around?.get(role))
            // One activity may stand alone, without a list.
            .flat_map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice))
            .take(MAX_ACTIVITIES)
            .chain(object)
            .filter_map(|activity| {
                let page = Page::of(activity.get("id")?.as_str()?);
                Some(Activity { page, definition: activity.get("definition") })
            })
            .collect();
        Self { activities }
    }

    /// The places of the context, as channels A and B give them, and the section besides.
    pub(super) fn context(&self, kind: Kind) -> Context {
        let course = self.place(|page| page.parameter("/course/view.php", "id"));
        let has_thread = matches!(kind, Kind::ForumPost | Kind::ForumDiscussion);
        let thread = |page: &Page<'_>| page.parameter("/discuss.php", "d");
        Context {
            course: course.filter(|course| is_course(&course.id)),
            section: self.place(|page| page.parameter("/course/section.php", "id")),
            lesson: if kind.is_in_activity() { self.activity() } else { None },
            thread: if has_thread { self.place(thread) } else { None },
            programme: None,
        }
    }

    /// The id of the quiz attempt that the statement is a part of.
    pub(super) fn attempt(&self) -> Option<String> {
        self.activities.iter().find_map(|activity| activity.page.attempt())
    }

    /// The activity, by its own page if that is named, else by an attempt's.
    fn activity(&self) -> Option<Place> {
        self.place(Page::activity).or_else(|| {
            let id =
                self.activities.iter().find_map(|activity| activity.page.activity_of_attempt());
            id.map(|id| Place { id, title: None })
        })
    }

    fn place(&self, id_of: impl Fn(&Page<'a>) -> Option<String>) -> Option<Place> {
        let mut places = self.activities.iter().filter_map(|activity| {
            let id = id_of(&activity.page).filter(|id| is_real(id))?;
            Some(Place { id, title: activity.title() })
        });
        places.next()
    }
}

impl Activity<'_> {
    /// The name in English, or in the first language there is.
    fn title(&self) -> Option<String> {
        let names = self.definition?.get("name")?.as_object()?;
        let name = names.get("en").or_else(|| names.values().next())?;
        text::scalar(name).map(str::to_owned)
    }
}
