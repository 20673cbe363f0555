//! Prometheus' text format, read as strictly as it is defined.

use std::collections::{BTreeMap, BTreeSet};

/// One metric with all its samples.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) samples: Vec<Sample>,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// The families by name, or why the text is none.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, Family>, String> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut current = String::new();
    if !text.ends_with('\n') {
        return Err("the last line does not end".to_owned());
    }
    for line in text.lines() {
        let told = |what: &str| format!("{what}: {line}");
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').ok_or_else(|| told("no help"))?;
            let family = Family { help: help.to_owned(), ..Family::default() };
            if families.insert(name.to_owned(), family).is_some() {
                return Err(told("a family a second time"));
            }
            name.clone_into(&mut current);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or_else(|| told("no type"))?;
            let family = families.get_mut(name).filter(|_| name == current);
            let family = family.ok_or_else(|| told("a type without its help before it"))?;
            kind.clone_into(&mut family.kind);
        } else {
            let sample = sample(line).ok_or_else(|| told("not a sample"))?;
            let family = families.get_mut(&current).ok_or_else(|| told("no family yet"))?;
            if !belongs(&sample, &current, &family.kind) {
                return Err(told("a sample outside of its family"));
            }
            if !seen.insert((sample.name.clone(), sample.labels.clone())) {
                return Err(told("a series a second time"));
            }
            family.samples.push(sample);
        }
    }
    Ok(families)
}

fn belongs(sample: &Sample, family: &str, kind: &str) -> bool {
    let Some(suffix) = sample.name.strip_prefix(family) else { return false };
    let has_bound = sample.labels.contains_key("le");
    match (kind, suffix) {
        ("counter" | "gauge", "") | ("histogram", "_sum" | "_count") => !has_bound,
        ("histogram", "_bucket") => has_bound,
        _ => false,
    }
}

/// `name{label="value",…} number`.
fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = match value {
        "+Inf" => f64::INFINITY,
        number => number.parse().ok()?,
    };
    let (name, labels) = match series.split_once('{') {
        None => (series, BTreeMap::new()),
        Some((name, rest)) => (name, pairs(rest.strip_suffix('}')?)?),
    };
    let is_word = |word: &str| {
        word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !word.is_empty()
    };
    let is_fit = is_word(name) && labels.keys().all(|label| is_word(label));
    is_fit.then(|| Sample { name: name.to_owned(), labels, value })
}

/// `label="value",…`; in a value, `"`, `\` and the newline are escaped.
fn pairs(text: &str) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => match letters.next()?.1 {
                    'n' => value.push('\n'),
                    letter @ ('"' | '\\') => value.push(letter),
                    _ => return None,
                },
                (_, letter) => value.push(letter),
            }
        };
        if labels.insert(label.to_owned(), value).is_some() {
            return None;
        }
        let (_, after) = after.split_at(end + 1);
        rest = match after.strip_prefix(',') {
            Some(more) => more,
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(labels)
}

#[test]
fn what_is_not_the_format_is_refused() {
    let head = "# HELP a_total Help.\n# TYPE a_total counter\n";
    let read = |samples: &str| parse(&format!("{head}{samples}"));
    let families = read("a_total{x=\"1, \\\"2\\\"\",y=\"\"} 3\na_total 4\n").unwrap();
    let family = &families["a_total"];
    assert_eq!((family.kind.as_str(), family.help.as_str()), ("counter", "Help."));
    assert_eq!(family.samples[0].labels["x"], "1, \"2\"");
    assert_eq!(family.samples[1].value, 4.0);
    for (samples, expected) in [
        ("a_total 3", "does not end"),
        ("a_total three\n", "not a sample"),
        ("a_total{x=1} 3\n", "not a sample"),
        ("a_total{x=\"1\"y=\"2\"} 3\n", "not a sample"),
        ("a_total{x=\"1\"} 3\na_total{x=\"1\"} 4\n", "a second time"),
        ("b_total 3\n", "outside of its family"),
        ("a_total_bucket{le=\"1\"} 3\n", "outside of its family"),
        ("# HELP a_total Again.\n", "a second time"),
        ("# TYPE b_total counter\n", "without its help"),
    ] {
        let error = read(samples).unwrap_err();
        assert!(error.contains(expected), "{samples:?}: {error}");
    }
}
