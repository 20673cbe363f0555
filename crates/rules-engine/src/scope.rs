//! What is counted apart: the course, the thread, a section of a course.
//!
//! Platforms number their courses each for itself, so a place's text carries the instance: course
//! 987 of `campus-a` is `course=campus-a/987`. Parts of a scope are joined by `;`, for which ids
//! have `%3B`, and `%25` for a percent sign.

use kleos_contracts::event::LearningEvent;

use crate::field::{Field, Observed};

/// The fields of a scope, in the order of the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    field: Field,
    word: &'static str,
    /// Whether the id is the platform's own and means nothing without the instance.
    is_local: bool,
}

/// The fields that can be counted apart, and their words.
const PARTS: [(Field, &str, bool); 10] = [
    (Field::CourseId, "course", true),
    (Field::SectionId, "section", true),
    (Field::LessonId, "lesson", true),
    (Field::ProgrammeId, "programme", true),
    (Field::ThreadId, "thread", true),
    (Field::ObjectId, "object", true),
    (Field::ObjectType, "object_type", false),
    (Field::Event, "event", false),
    (Field::Source, "source", false),
    (Field::Instance, "instance", false),
];

impl Scope {
    /// Of fields; none if one of them cannot be counted apart.
    pub(crate) fn of(fields: &[Field]) -> Option<Self> {
        let part_of = |field: &Field| {
            let (field, word, is_local) = PARTS.iter().find(|(known, ..)| known == field)?;
            Some(Part { field: *field, word, is_local: *is_local })
        };
        Some(Self { parts: fields.iter().map(part_of).collect::<Option<_>>()? })
    }

    /// The paths of the fields that can be counted apart.
    pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
        PARTS.iter().map(|(field, ..)| field.path())
    }

    /// Whether the other has the same fields, in whatever order.
    pub(crate) fn has_fields_of(&self, other: &Self) -> bool {
        self.parts.len() == other.parts.len()
            && self.parts.iter().all(|part| other.parts.contains(part))
    }

    /// Whether a text is one of this scope's.
    pub(crate) fn is_of(&self, text: &str) -> bool {
        let words = text.split(';').map(|part| part.split('=').next().unwrap_or_default());
        words.eq(self.parts.iter().map(|part| part.word))
    }

    /// The scope's text for an event.
    ///
    /// # Errors
    ///
    /// The field that the event does not have.
    pub(crate) fn text(&self, event: &LearningEvent) -> Result<String, Field> {
        let mut text = String::new();
        for part in &self.parts {
            let id = match part.field.read(event) {
                Some(Observed::Text(id)) if !id.is_empty() => id,
                _ => return Err(part.field),
            };
            if !text.is_empty() {
                text.push(';');
            }
            text.push_str(part.word);
            text.push('=');
            if part.is_local {
                text.push_str(&event.instance);
                text.push('/');
            }
            push_id(id, &mut text);
        }
        Ok(text)
    }
}

/// An id must not look like the next part.
fn push_id(id: &str, text: &mut String) {
    if !id.bytes().any(|byte| matches!(byte, b';' | b'%')) {
        return text.push_str(id);
    }
    for letter in id.chars() {
        match letter {
            ';' => text.push_str("%3B"),
            '%' => text.push_str("%25"),
            letter => text.push(letter),
        }
    }
}

/// Scope texts of one event, each built once.
#[derive(Debug)]
pub(crate) struct ScopeTexts<'r, 'e> {
    event: &'e LearningEvent,
    built: Vec<(&'r Scope, Result<String, Field>)>,
}

impl<'r, 'e> ScopeTexts<'r, 'e> {
    pub(crate) fn new(event: &'e LearningEvent) -> Self {
        Self { event, built: Vec::new() }
    }

    /// The text of a scope; the empty text if there is no scope.
    ///
    /// # Errors
    ///
    /// The field that the event does not have.
    pub(crate) fn get(&mut self, scope: Option<&'r Scope>) -> Result<&str, Field> {
        let Some(scope) = scope else { return Ok("") };
        let index = match self.built.iter().position(|(known, _)| *known == scope) {
            Some(index) => index,
            None => {
                self.built.push((scope, scope.text(self.event)));
                self.built.len() - 1
            }
        };
        self.built[index].1.as_deref().map_err(|field| *field)
    }
}

#[cfg(test)]
mod tests {
    use kleos_contracts::event::{Context, Place};

    use super::*;

    fn event(course: &str, section: &str) -> LearningEvent {
        let place = |id: &str| Some(Place { id: id.to_owned(), title: None });
        LearningEvent {
            instance: "campus-a".to_owned(),
            event: "forum.posted".into(),
            context: Context {
                course: place(course),
                section: place(section),
                ..Context::default()
            },
            ..LearningEvent::default()
        }
    }

    #[test]
    fn a_place_carries_the_instance() {
        let course = Scope::of(&[Field::CourseId]).unwrap();
        assert_eq!(course.text(&event("987", "")).unwrap(), "course=campus-a/987");
        assert_eq!(course.text(&event("9;8%7", "")).unwrap(), "course=campus-a/9%3B8%257");
        let both = Scope::of(&[Field::CourseId, Field::SectionId]).unwrap();
        let expected = "course=campus-a/987;section=campus-a/s-1";
        assert_eq!(both.text(&event("987", "s-1")).unwrap(), expected);
        let name = Scope::of(&[Field::Event]).unwrap();
        assert_eq!(name.text(&event("", "")).unwrap(), "event=forum.posted");
    }

    #[test]
    fn ids_cannot_be_shifted_into_one_another() {
        let both = Scope::of(&[Field::CourseId, Field::SectionId]).unwrap();
        let left = both.text(&event("1;section=campus-a/2", "3")).unwrap();
        let right = both.text(&event("1", "2;section=campus-a/3")).unwrap();
        assert_ne!(left, right);
        assert_ne!(both.text(&event("%3B", "1")), both.text(&event(";", "1")));
    }

    #[test]
    fn a_text_tells_its_fields() {
        let course = Scope::of(&[Field::CourseId]).unwrap();
        let both = Scope::of(&[Field::CourseId, Field::SectionId]).unwrap();
        let texts = [&course, &both].map(|scope| scope.text(&event("1;section=2", "3")).unwrap());
        assert_eq!(texts.each_ref().map(|text| course.is_of(text)), [true, false]);
        assert_eq!(texts.each_ref().map(|text| both.is_of(text)), [false, true]);
    }

    #[test]
    fn a_field_that_is_missing_or_empty_is_named() {
        let thread = Scope::of(&[Field::ThreadId]).unwrap();
        assert_eq!(thread.text(&event("1", "2")), Err(Field::ThreadId));
        let section = Scope::of(&[Field::CourseId, Field::SectionId]).unwrap();
        assert_eq!(section.text(&event("1", "")), Err(Field::SectionId));
        assert_eq!(Scope::of(&[Field::ScorePct]), None);
    }

    #[test]
    fn each_text_is_built_once_for_an_event() {
        let event = event("987", "s-1");
        let course = Scope::of(&[Field::CourseId]).unwrap();
        let thread = Scope::of(&[Field::ThreadId]).unwrap();
        let mut texts = ScopeTexts::new(&event);
        for _ in 0..2 {
            assert_eq!(texts.get(Some(&course)), Ok("course=campus-a/987"));
            assert_eq!(texts.get(Some(&thread)), Err(Field::ThreadId));
            assert_eq!(texts.get(None), Ok(""));
        }
        assert_eq!(texts.built.len(), 2);
    }
}
