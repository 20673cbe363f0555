//! Tells values that they are written for machines and read from them: a serializer and a
//! deserializer that pass everything on, but are not human-readable. Those of the library that
//! writes and reads our records leave that at serde's default.

mod read;
mod write;

/// A serializer or a deserializer, or what either hands out for the parts of a value.
pub(super) struct Binary<T>(pub(super) T);
