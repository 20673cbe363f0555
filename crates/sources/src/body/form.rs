//! Form bodies, with the nested names of PHP: `user[0]=8774&other[x]=1&tags[]=a`.

use serde_json::{Map, Value};

/// Deeper brackets are part of the last name. PHP drops such fields; trees stay shallow either way.
const MAX_DEPTH: usize = 16;

/// Whether the text starts as a form does: with a name of few kinds of characters, then `=`. Or with
/// a percent-encoded bracket, for JSON that was encoded as a whole.
pub(crate) fn looks_like(text: &[u8]) -> bool {
    const NAME: &[u8] = b"_.-[]%+ ";
    let encoded_json = [b"%7B", b"%7b", b"%5B", b"%5b"];
    let name = text.iter().position(|byte| *byte == b'=').and_then(|end| text.get(..end));
    encoded_json.iter().any(|start| text.starts_with(*start))
        || name.is_some_and(|name| {
            !name.is_empty()
                && name.iter().all(|byte| byte.is_ascii_alphanumeric() || NAME.contains(byte))
        })
}

/// The fields as a tree of texts. Of fields with the same name the last counts, as in PHP.
pub(crate) fn read(text: &[u8]) -> Value {
    let mut root = Map::new();
    for (name, value) in form_urlencoded::parse(text) {
        if name.is_empty() {
            continue;
        }
        let (first, rest) = segments(&name);
        let mut place = root.entry(first).or_insert(Value::Null);
        for segment in rest {
            place = child(place, segment);
        }
        *place = Value::String(value.into_owned());
    }
    Value::Object(root.into_iter().map(|(name, value)| (name, listed(value))).collect())
}

/// `a[b][]` as `a`, then `b` and the empty text.
fn segments(name: &str) -> (&str, Vec<&str>) {
    let Some((first, mut rest)) = name.split_once('[').filter(|(first, _)| !first.is_empty())
    else {
        return (name, Vec::new());
    };
    let mut segments = Vec::new();
    while segments.len() < MAX_DEPTH {
        let Some((segment, after)) = rest.split_once(']') else {
            break;
        };
        segments.push(segment);
        match after.strip_prefix('[') {
            Some(next) => rest = next,
            None => return (first, segments),
        }
    }
    if segments.is_empty() {
        return (name, segments);
    }
    segments.push(rest);
    (first, segments)
}

/// The place of a name below another place, which becomes an object if it was none.
fn child<'a>(place: &'a mut Value, name: &str) -> &'a mut Value {
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    // The line above has made it one; the text is only for the compiler.
    let Value::Object(fields) = place else {
        return place;
    };
    let name = if name.is_empty() { fields.len().to_string() } else { name.to_owned() };
    fields.entry(name).or_insert(Value::Null)
}

/// Objects whose names count from nought become lists.
fn listed(value: Value) -> Value {
    let Value::Object(mut fields) = value else {
        return value;
    };
    let is_list = (0..fields.len()).all(|index| fields.contains_key(&index.to_string()));
    if is_list {
        let items = (0..fields.len()).filter_map(|index| fields.remove(&index.to_string()));
        return Value::Array(items.map(listed).collect());
    }
    Value::Object(fields.into_iter().map(|(name, value)| (name, listed(value))).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Value) {
        assert!(looks_like(text.as_bytes()), "{text}");
        assert_eq!(&read(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn names_nest_as_in_php() {
        check("a=1005&b=%3F.%26", &json!({"a": "1005", "b": "?.&"}));
        check("a=1&a=2", &json!({"a": "2"}));
        check("u[0]=x&u[0]=y", &json!({"u": ["y"]}));
        check("u[0]=x&u[1]=y", &json!({"u": ["x", "y"]}));
        check("u[1]=y", &json!({"u": {"1": "y"}}));
        check("u[]=x&u[]=y", &json!({"u": ["x", "y"]}));
        check("other[x]=1&other[y][z]=2", &json!({"other": {"x": "1", "y": {"z": "2"}}}));
        check("a%5Bb%5D=1", &json!({"a": {"b": "1"}}));
        check("a=1&a[b]=2", &json!({"a": {"b": "2"}}));
        check("a=+b+", &json!({"a": " b "}));
        check("a[=1&b]=2", &json!({"a[": "1", "b]": "2"}));
        check("a=&b", &json!({"a": "", "b": ""}));
        check("a=%ff", &json!({"a": "\u{fffd}"}));
    }

    #[test]
    fn brackets_beyond_the_depth_stay_in_the_name() {
        let deep = format!("a{}=1", "[b]".repeat(100_000));
        let mut tree = &read(deep.as_bytes());
        let mut depth = 0;
        while let Value::Object(fields) = tree {
            tree = fields.values().next().unwrap();
            depth += 1;
        }
        assert_eq!(depth, MAX_DEPTH + 2);
    }

    #[test]
    fn other_texts_do_not_look_like_a_form() {
        for text in ["", "=1", "hello", "<a b=\"c\">", "\"a=b\"", "a:b=c", "{\"a\":\"b=c\"}"] {
            assert!(!looks_like(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_form_is_read(text in "([a-c\\[\\]0-9%=&+]{0,12}&){0,8}") {
            prop_assert!(read(text.as_bytes()).is_object());
        }
    }
}
