//! How a condition compares: a registry, one entry an operator.

use std::cmp::Ordering;

use crate::decimal::Decimal;
use crate::field::{Kind, Observed};
use crate::predicate::Operand;

/// What an operator compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value of the field's kind.
    One,
    /// Two values, the lesser first.
    Pair,
    /// A list of values.
    Many,
    /// `true` or `false`, whatever the field's kind.
    Presence,
}

macro_rules! operators {
    ($($name:ident $word:literal $shape:ident $($kind:ident)|+;)+) => {
        /// One operator.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Operator { $($name),+ }

        impl Operator {
            /// Every operator.
            pub(crate) const ALL: &[Self] = &[$(Self::$name),+];

            /// The word that rules have for it.
            pub(crate) const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// What it compares with.
            pub(crate) const fn shape(self) -> Shape {
                match self { $(Self::$name => Shape::$shape),+ }
            }

            /// The kinds of fields that it applies to.
            pub(crate) const fn kinds(self) -> &'static [Kind] {
                match self { $(Self::$name => &[$(Kind::$kind),+]),+ }
            }
        }
    };
}

operators! {
    Eq "eq" One Text | Number | Time | Flag;
    Ne "ne" One Text | Number | Time | Flag;
    Gt "gt" One Number | Time;
    Gte "gte" One Number | Time;
    Lt "lt" One Number | Time;
    Lte "lte" One Number | Time;
    Between "between" Pair Number | Time;
    In "in" Many Text | Number | Time;
    Nin "nin" Many Text | Number | Time;
    Exists "exists" Presence Text | Number | Time | Flag;
    Contains "contains" One Text;
    StartsWith "starts_with" One Text;
    EndsWith "ends_with" One Text;
    Before "before" One Time;
    After "after" One Time;
}

impl Operator {
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operator| operator.word() == word)
    }

    /// The words of the operators for a kind of field.
    pub(crate) fn words_for(kind: Kind) -> String {
        let fitting = Self::ALL.iter().filter(|operator| operator.kinds().contains(&kind));
        fitting.map(|operator| operator.word()).collect::<Vec<_>>().join(", ")
    }

    /// Whether it holds of a value; none if an operand is of another kind, which a checked rule
    /// does not have. `in` and `nin` rely on operands in ascending order.
    pub(crate) fn holds(self, observed: Observed<'_>, operands: &[Operand]) -> Option<bool> {
        let compare = |index: usize| operands.get(index)?.compare(observed);
        Some(match self {
            Self::Eq => compare(0)?.is_eq(),
            Self::Ne => compare(0)?.is_ne(),
            Self::Gt | Self::After => compare(0)?.is_gt(),
            Self::Gte => compare(0)?.is_ge(),
            Self::Lt | Self::Before => compare(0)?.is_lt(),
            Self::Lte => compare(0)?.is_le(),
            Self::Between => compare(0)?.is_ge() && compare(1)?.is_le(),
            Self::In => is_among(observed, operands)?,
            Self::Nin => !is_among(observed, operands)?,
            Self::Contains => text_test(observed, operands, |text, part| text.contains(part))?,
            Self::StartsWith => text_test(observed, operands, |text, part| text.starts_with(part))?,
            Self::EndsWith => text_test(observed, operands, |text, part| text.ends_with(part))?,
            Self::Exists => true,
        })
    }
}

impl Operand {
    /// How an observed value stands to this one.
    fn compare(&self, observed: Observed<'_>) -> Option<Ordering> {
        match (observed, self) {
            (Observed::Text(left), Self::Text(right)) => Some(left.cmp(right)),
            (Observed::Number(left), Self::Number(right)) => Some(Decimal::cmp(&left, right)),
            (Observed::Time(left), Self::Time(right)) => Some(left.cmp(right)),
            (Observed::Flag(left), Self::Flag(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

fn is_among(observed: Observed<'_>, operands: &[Operand]) -> Option<bool> {
    operands.first()?.compare(observed)?;
    let place = operands.binary_search_by(|operand| {
        operand.compare(observed).map_or(Ordering::Less, |o| o.reverse())
    });
    Some(place.is_ok())
}

fn text_test(
    observed: Observed<'_>,
    operands: &[Operand],
    test: fn(&str, &str) -> bool,
) -> Option<bool> {
    match (observed, operands.first()) {
        (Observed::Text(text), Some(Operand::Text(part))) => Some(test(text, part)),
        _ => None,
    }
}
