//! Raw webhook to canonical events. One function, [`normalize()`], for every learning platform.
//!
//! What platforms send differs from what they document, and one event comes in many dresses. This
//! crate knows the dresses. It is pure: the same webhook and profile give the same items on any
//! machine at any time, and nothing is read but the arguments: no clock, no file, no network.
//!
//! What always holds:
//!
//! - **Every webhook comes to at least one item**, and every item of a list to exactly one. One bad
//!   item costs only itself. No bytes make it panic, and its work is bounded by their number.
//! - **The learner is never the actor.** An event that does not say whose it is, is refused.
//! - **Nothing is invented.** What the platform does not say is none. A guessed time is flagged.
//! - **No digit is lost.** Ids, times, marks and percentages are read by their text; there is no
//!   binary float between the wire and the record.
//! - **An event has the same id on every delivery**: the platform's own, or a digest of what
//!   identifies the event.
//! - **The credential decides** tenant, source and instance, never the body.
//! - **Secrets stay behind.** A body's tokens are in no item.
//!
//! The path of one webhook: `body` reads the bytes into a tree; the platform's module splits the
//! tree into items, recognises each and maps it to a draft; `draft` gives the draft its learner's
//! key, its checked time and its id. Every platform is one module of the same shape, a `Platform`: its
//! types are a `table`, and where people type the body, `loose` knows their spellings.

mod body;
mod custom;
mod derive_id;
mod draft;
mod identity;
mod item;
mod learnault;
mod learnworlds;
mod loose;
mod moodle;
mod normalize;
mod php;
mod platform;
mod profile;
mod read;
mod secrets;
mod table;
mod teachfloor;
mod thinkific;
mod verdict;

pub use item::{Item, ignored};
pub use normalize::{SOURCES, normalize};
pub use profile::InstanceProfile;
