//! Learners and what they do: the same for the same seed and week.

use crate::random::Random;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// Everything happens in the three whole weeks before the one that is running: in the past for any
/// clock, and never too late to count.
const WEEKS: i64 = 3;

/// Something that a learner does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Number of the learner; even ones use Moodle, odd ones the custom source.
    pub learner: u64,
    /// What.
    pub kind: Kind,
    /// When, microseconds since 1970.
    pub at: i64,
    /// The platform's number of it.
    pub id: u64,
}

/// What learners do. Numbers are of the world; the platforms' ids are made from them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are numbers of what they are named after")]
pub enum Kind {
    /// Enrols in a course.
    Enrolled { course: u64 },
    /// Completes a lesson.
    Lesson { course: u64, lesson: u64 },
    /// Completes a quiz; only the custom source tells the score.
    Quiz { course: u64, section: u64, score: u64 },
    /// Masters a section; only the custom source tells.
    Section { course: u64, section: u64 },
    /// Posts in a thread.
    Post { course: u64, thread: u64 },
    /// Hands in an assignment.
    Assignment { course: u64 },
    /// Completes a course.
    Course { course: u64 },
    /// Completes a programme; only the custom source tells.
    Programme { programme: u64 },
    /// Signs in.
    SignIn,
}

/// What is sent, in the order of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// A webhook for a deed.
    Deed(Deed),
    /// The same webhook once more.
    Again(Deed),
    /// Another deed under the same number.
    Conflict(Deed),
    /// Something that cannot be understood, in one of several ways.
    Broken {
        /// Chooses the way.
        number: u64,
    },
}

/// How much happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Seed of everything.
    pub seed: u64,
    /// Webhooks.
    pub webhooks: u64,
    /// Learners.
    pub learners: u64,
    /// The clock, microseconds since 1970.
    pub now: i64,
}

impl Plan {
    /// Monday 00:00 UTC, three weeks before the running week.
    #[must_use]
    pub const fn begin(&self) -> i64 {
        // 1970-01-01 was a Thursday.
        let day = self.now.div_euclid(DAY);
        let monday = day - (day + 3).rem_euclid(7);
        (monday - WEEKS * 7) * DAY
    }

    /// Everything that is sent: 3 of a hundred are duplicates, 2 are hours late, some are broken.
    #[must_use]
    pub fn sendings(&self) -> Vec<Sending> {
        let mut random = Random::new(self.seed);
        let mut sendings: Vec<Sending> = Vec::new();
        let span = WEEKS * 7 * DAY;
        for number in 0..self.webhooks {
            if random.chance(3)
                && let Some(Sending::Deed(deed)) = recent(&mut random, &sendings)
            {
                let deed = deed.clone();
                let is_conflict = random.below(200) == 0;
                sendings.push(if is_conflict {
                    Sending::Conflict(deed)
                } else {
                    Sending::Again(deed)
                });
                continue;
            }
            if random.below(400) == 0 {
                sendings.push(Sending::Broken { number });
                continue;
            }
            let progress = span / i64::try_from(self.webhooks.max(1)).unwrap_or(1);
            let mut at = self.begin() + progress * i64::try_from(number).unwrap_or_default();
            at -= random.between(0, 2 * SECOND);
            if random.chance(2) {
                at -= random.between(0, 6 * HOUR);
            }
            let learner = random.skewed(self.learners);
            let kind = kind(&mut random, learner);
            // Moodle's clock has whole seconds.
            let at = at.max(self.begin()) / SECOND * SECOND;
            sendings.push(Sending::Deed(Deed { learner, kind, at, id: number + 1 }));
        }
        sendings
    }
}

/// One of the last few thousand.
fn recent<'a>(random: &mut Random, sendings: &'a [Sending]) -> Option<&'a Sending> {
    let window = u64::try_from(sendings.len().min(5_000)).ok().filter(|window| *window > 0)?;
    let back = usize::try_from(random.below(window)).ok()?;
    sendings.iter().rev().nth(back)
}

/// A small world for people to look at, in two parts to be sent one after the other. Its points do
/// not depend on the order in which the events of a part arrive.
#[must_use]
pub fn showcase(plan: &Plan) -> [Vec<Sending>; 2] {
    let mut parts = [Vec::new(), Vec::new()];
    let mut id = 0;
    let mut random = Random::new(plan.seed);
    for learner in 0..plan.learners {
        let mut add = |part: usize, kind: Kind, day: i64, minute: i64| {
            id += 1;
            let at = plan.begin() + day * DAY + (8 * 60 + minute) * 60 * SECOND;
            parts[part].push(Sending::Deed(Deed { learner, kind, at, id }));
        };
        let course = learner % 7;
        add(0, Kind::Enrolled { course }, 0, 0);
        // Five lessons on a day, of which three are paid; a lesson a week later makes a streak.
        for lesson in 0..5 {
            add(1, Kind::Lesson { course, lesson }, 1, i64::try_from(lesson).unwrap_or(0) * 20);
        }
        add(1, Kind::Lesson { course, lesson: 5 }, 8, 0);
        // Two posts five minutes apart in two threads, of which one is paid, and one days later.
        add(1, Kind::Post { course, thread: 1 }, 2, 0);
        add(1, Kind::Post { course, thread: 2 }, 2, 5);
        add(1, Kind::Post { course, thread: 3 }, 5, 0);
        let score = 60 + learner * 5 % 41;
        add(1, Kind::Quiz { course, section: 1, score }, 3, 0);
        add(1, Kind::Section { course, section: 2 }, 4, 0);
        add(1, Kind::SignIn, 6, 0);
        if learner % 3 != 2 {
            add(1, Kind::Course { course }, 9, 0);
        }
        if learner % 5 == 0 {
            add(1, Kind::Programme { programme: course }, 10, 0);
        }
    }
    let again: Vec<Sending> = parts[1]
        .iter()
        .filter_map(|sending| match sending {
            Sending::Deed(deed) => random.chance(5).then(|| Sending::Again(deed.clone())),
            Sending::Again(_) | Sending::Conflict(_) | Sending::Broken { .. } => None,
        })
        .collect();
    parts[1].extend(again);
    parts[1].extend((0..3).map(|number| Sending::Broken { number }));
    parts
}

/// What a learner does next; whoever has few courses completes them often.
fn kind(random: &mut Random, learner: u64) -> Kind {
    let course = (learner * 7 + random.below(6)) % 300;
    let section = random.below(4);
    match random.below(100) {
        0..12 => Kind::Enrolled { course },
        12..50 => Kind::Lesson { course, lesson: random.below(12) },
        50..60 => Kind::Quiz { course, section, score: random.below(101) },
        60..66 => Kind::Section { course, section },
        66..82 => Kind::Post { course, thread: random.below(40) },
        82..86 => Kind::Assignment { course },
        86..94 => Kind::Course { course },
        94..97 => Kind::Programme { programme: course % 25 },
        _ => Kind::SignIn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan { seed: 7, webhooks: 20_000, learners: 1_000, now: 1_763_800_000 * SECOND }
    }

    #[test]
    fn equal_seeds_make_equal_worlds_and_others_do_not() {
        assert_eq!(plan().sendings(), plan().sendings());
        assert_ne!(plan().sendings(), Plan { seed: 8, ..plan() }.sendings());
    }

    #[test]
    fn everything_happens_in_the_three_weeks_before_this_one() {
        let plan = plan();
        assert_eq!((plan.begin() / DAY + 3) % 7, 0, "a Monday");
        for sending in plan.sendings() {
            if let Sending::Deed(deed) = sending {
                assert!((plan.begin()..plan.begin() + 21 * DAY).contains(&deed.at));
                assert!(plan.now - deed.at < 35 * DAY);
            }
        }
    }

    #[test]
    fn duplicates_and_skew_are_as_announced() {
        let sendings = plan().sendings();
        let share = |count: usize| count * 100 / sendings.len();
        let again = sendings.iter().filter(|sending| matches!(sending, Sending::Again(_)));
        assert_eq!(share(again.count()), 2, "3 of a hundred, rounded down");
        let busiest = sendings
            .iter()
            .filter(|sending| matches!(sending, Sending::Deed(deed) if deed.learner == 0));
        assert!((3..20).contains(&share(busiest.count())));
    }
}
