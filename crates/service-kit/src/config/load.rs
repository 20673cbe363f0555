//! The files: the one that was named, and those that it includes.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::document::{self, Entry, Node, Table, Value};
use crate::config::problem::{Place, Problem, Problems, SourceFile};

const INCLUDE: &str = "include";
/// Anyone on the machine may read.
const WORLD_READABLE: u32 = 0o004;

/// All files as one.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Table,
    /// Where keys of the root would stand.
    pub(crate) place: Place,
    /// Where the files could not be understood: something may be missed there.
    pub(crate) torn: Vec<Problem>,
    /// What else is wrong with the files.
    pub(crate) problems: Vec<Problem>,
}

/// Reads a file and all that it includes.
pub(crate) fn load(path: &Path) -> Result<Document, Problems> {
    let mut loader = Loader::default();
    match loader.load(path) {
        Ok(file) => Ok(Document {
            root: loader.root,
            place: Place { file, line: 1, column: 1 },
            torn: loader.torn,
            problems: loader.problems,
        }),
        Err(error) => {
            let place = Place::whole(loader.source(path, false));
            Err(Problems::of(vec![unreadable(place, "", path, &error)]))
        }
    }
}

#[derive(Default)]
struct Loader {
    root: Table,
    torn: Vec<Problem>,
    problems: Vec<Problem>,
    files: usize,
    seen: BTreeSet<PathBuf>,
}

impl Loader {
    fn source(&mut self, path: &Path, world_readable: bool) -> Arc<SourceFile> {
        let index = self.files;
        self.files += 1;
        Arc::new(SourceFile {
            name: path.display().to_string(),
            directory: path.parent().map(Path::to_owned).unwrap_or_default(),
            index,
            world_readable,
        })
    }

    fn load(&mut self, path: &Path) -> io::Result<Arc<SourceFile>> {
        let (text, world_readable) = read(path)?;
        self.seen.insert(path.canonicalize()?);
        let file = self.source(path, world_readable);
        let (mut table, syntax) = document::parse(&file, &text);
        self.torn.extend(syntax);
        let include = table.entries.remove(INCLUDE);
        document::merge(&mut self.root, table, "", &mut self.problems);
        if let Some(include) = include {
            self.include(include, &file);
        }
        Ok(file)
    }

    fn include(&mut self, include: Entry, file: &SourceFile) {
        let Value::List(items) = include.node.value else {
            self.problems.push(not_file_names(&include.node));
            return;
        };
        for item in items {
            match &item.value {
                Value::Text(name) => self.include_one(&file.directory.join(name), item.place),
                Value::Integer(_)
                | Value::Float(_)
                | Value::Boolean(_)
                | Value::Time(_)
                | Value::List(_)
                | Value::Table(_) => self.problems.push(not_file_names(&item)),
            }
        }
    }

    fn include_one(&mut self, path: &Path, place: Place) {
        if path.canonicalize().is_ok_and(|canonical| self.seen.contains(&canonical)) {
            self.problems.push(Problem {
                place,
                path: INCLUDE.to_owned(),
                found: format!("{:?}, which is read already", path.display().to_string()),
                expected: "each file once".to_owned(),
                remedy: "remove it from the list".to_owned(),
            });
        } else if let Err(error) = self.load(path) {
            self.torn.push(unreadable(place, INCLUDE, path, &error));
        }
    }
}

/// A file's text, and whether every user of the machine can read it.
pub(crate) fn read(path: &Path) -> io::Result<(String, bool)> {
    let mut file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((text, mode & WORLD_READABLE != 0))
}

fn not_file_names(node: &Node) -> Problem {
    Problem {
        place: node.place.clone(),
        path: INCLUDE.to_owned(),
        found: node.value.describe(),
        expected: "a list of file names, as [\"tenants.toml\"]".to_owned(),
        remedy: "name the files in double quotes, relative to this one".to_owned(),
    }
}

fn unreadable(place: Place, key: &str, path: &Path, error: &io::Error) -> Problem {
    Problem {
        place,
        path: key.to_owned(),
        found: format!("{:?}, which cannot be read: {error}", path.display().to_string()),
        expected: "a TOML file in UTF-8".to_owned(),
        remedy: "create it, or give the right path and the right to read it".to_owned(),
    }
}
