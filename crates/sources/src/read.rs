//! Reading single values of a body, leniently and without binary floats.
//!
//! Platforms send one value in many dresses: `8774`, `"8774"`, `8774.0`; `null`, `""`, `"None"`,
//! `"{user_id}"`. Here each dress leads to one meaning, by text alone. Every function is total:
//! any value and any text is read or refused, in time linear in its length.

pub(crate) mod boolean;
pub(crate) mod duration;
pub(crate) mod fields;
pub(crate) mod id;
pub(crate) mod number;
pub(crate) mod percent;
pub(crate) mod text;
pub(crate) mod time;
