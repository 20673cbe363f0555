//! Secrets of a section: never shown, also not where they are wrong.

use std::sync::Arc;

use crate::config::document::Node;
use crate::config::field::{Field, Mismatch};
use crate::config::problem::{Place, Warning};
use crate::config::reference::{Origin, Scalar, resolve};
use crate::config::secret::Secret;
use crate::config::section::Section;

impl<'d> Section<'d> {
    /// A secret of at least so many characters.
    pub fn secret(&self, key: &'static str, length_min: usize) -> Field<'_, 'd, Secret> {
        self.field(key, expected(length_min), |section, node| {
            section.read_secret(key, node, length_min).map_err(|mismatch| vec![mismatch])
        })
    }

    /// A list of secrets, each of at least so many characters.
    pub fn secrets(&self, key: &'static str, length_min: usize) -> Field<'_, 'd, Vec<Secret>> {
        let expected = format!("a list, each item {}", expected(length_min));
        self.field(key, expected, |section, node| {
            section.read_items(node, |item| section.read_secret(key, item, length_min))
        })
    }

    fn read_secret(&self, key: &str, node: &Node, length_min: usize) -> Result<Secret, Mismatch> {
        let refuse = |found, remedy| Mismatch { place: node.place.clone(), found, remedy };
        let scalar = resolve(node, self.reading.environment)?;
        self.warn_if_readable_by_all(key, node, &scalar);
        let Some(text) = scalar.text() else {
            return Err(refuse(scalar.describe_kind(), None));
        };
        if text.chars().count() < length_min {
            let advice = "make a longer one, as with: openssl rand -hex 32".to_owned();
            return Err(refuse(scalar.describe_kind(), Some(advice)));
        }
        Ok(Secret::new(text.to_owned()))
    }

    fn warn_if_readable_by_all(&self, key: &str, node: &Node, scalar: &Scalar) {
        let (place, path, file) = match &scalar.origin {
            // Once for the file, not once for every secret in it.
            Origin::Inline if node.place.file.world_readable => {
                let file = Arc::clone(&node.place.file);
                let name = file.name.clone();
                (Place::whole(file), String::new(), name)
            }
            Origin::File { path, world_readable: true } => {
                (node.place.clone(), self.path_of(key), path.display().to_string())
            }
            Origin::Inline | Origin::Variable(_) | Origin::File { .. } => return,
        };
        let message = format!(
            "secrets in {file} can be read by every user of this machine; close it with: \
             chmod o-r {file}"
        );
        self.warn(Warning { place, path, message });
    }
}

fn expected(length_min: usize) -> String {
    format!(
        "a secret of at least {length_min} characters, in double quotes, \
         {{ env = \"NAME\" }} or {{ file = \"path\" }}"
    )
}
