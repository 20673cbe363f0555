//! One event: what the vendor's strict validation says of it, and what is stored. Pure.

use kleos_contracts::time::{SECOND, Timestamp};
use serde_json::{Map, Value};

/// Ids that the vendor refuses because they are usually mistakes.
pub const PLACEHOLDERS: [&str; 17] = [
    "00000000-0000-0000-0000-000000000000",
    "anon",
    "anonymous",
    "nil",
    "none",
    "null",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "<nil>",
    "0",
    "-1",
    "true",
    "false",
    "[]",
    "{}",
];

const INSERT_ID_BYTES_MAX: usize = 36;
/// Properties of an event, keys of an object and elements of an array must be fewer.
const ITEMS_BELOW: usize = 255;
const DEPTH_MAX: usize = 3;
const STRING_CHARS_MAX: usize = 255;
/// A time of more digits is of milliseconds.
const SECONDS_BELOW: i64 = 10_000_000_000;
const YEAR_1971_MILLIS: i64 = 31_536_000_000;
const AHEAD_MAX: i64 = 3_600 * SECOND;

/// An event that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its name.
    pub event: String,
    /// Who did it.
    pub distinct_id: String,
    /// When, in milliseconds since 1970.
    pub time_millis: i64,
    /// Which event it is.
    pub insert_id: String,
    /// Whose address gave it a place on the map.
    pub located_by: Location,
    /// All other properties, strings cut.
    pub properties: Map<String, Value>,
}

/// Whose address gave an event a place on the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// Nobody's: `ip` was 0.
    Nobody,
    /// The one in `ip`.
    Property,
    /// That of who sent the request.
    Sender,
}

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The event's id where it has one.
    pub insert_id: String,
    /// The field at fault.
    pub field: String,
    /// In words.
    pub message: String,
}

impl StoredEvent {
    /// What tells events apart.
    #[must_use]
    pub fn identity(&self) -> (&str, &str, i64, &str) {
        (&self.event, &self.distinct_id, self.time_millis, &self.insert_id)
    }
}

/// Checks an event as it arrived at `now`.
///
/// # Errors
/// The first flaw that is found.
pub fn check(value: &Value, now: Timestamp) -> Result<StoredEvent, Flaw> {
    let insert_id = value["properties"]["$insert_id"].as_str().unwrap_or_default().to_owned();
    check_parts(value, now).map_err(|(field, expected)| Flaw {
        insert_id,
        message: format!("'{field}' is invalid: {expected}"),
        field,
    })
}

type Fault = (String, &'static str);

fn check_parts(value: &Value, now: Timestamp) -> Result<StoredEvent, Fault> {
    let fault = |field: &str, expected| (field.to_owned(), expected);
    let object = value.as_object().ok_or_else(|| fault("event", "must be an object"))?;
    if let Some(unknown) =
        object.keys().find(|key| !["event", "properties"].contains(&key.as_str()))
    {
        return Err(fault(unknown, "an event has event and properties only"));
    }
    let event = object
        .get("event")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| fault("event", "must be a text that is not empty"))?;
    let mut properties = object
        .get("properties")
        .and_then(Value::as_object)
        .cloned()
        .ok_or_else(|| fault("properties", "must be an object"))?;
    if properties.len() >= ITEMS_BELOW {
        return Err(fault("properties", "must be fewer than 255"));
    }
    for (name, property) in &mut properties {
        check_shape(property, 0)
            .map_err(|expected| fault(&format!("properties.{name}"), expected))?;
    }
    let insert_id = check_insert_id(properties.remove("$insert_id"))
        .map_err(|expected| fault("properties.$insert_id", expected))?;
    let distinct_id = check_distinct_id(properties.remove("distinct_id"))
        .map_err(|expected| fault("properties.distinct_id", expected))?;
    let time_millis = check_time(properties.remove("time").as_ref(), now)
        .map_err(|expected| fault("properties.time", expected))?;
    let located_by = match properties.remove("ip") {
        None => Location::Sender,
        Some(ip) if ip.as_i64() == Some(0) || ip.as_str() == Some("0") => Location::Nobody,
        Some(_) => Location::Property,
    };
    let event = event.to_owned();
    Ok(StoredEvent { event, distinct_id, time_millis, insert_id, located_by, properties })
}

fn check_insert_id(id: Option<Value>) -> Result<String, &'static str> {
    let Some(Value::String(id)) = id else { return Err("must be a text") };
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if id.is_empty() || id.len() > INSERT_ID_BYTES_MAX || !id.bytes().all(is_fit) {
        return Err("must be 1 to 36 of a-z, A-Z, 0-9 and -");
    }
    if PLACEHOLDERS.contains(&id.as_str()) { Err("must not be a placeholder") } else { Ok(id) }
}

fn check_distinct_id(id: Option<Value>) -> Result<String, &'static str> {
    let Some(Value::String(id)) = id else { return Err("must be a text") };
    if PLACEHOLDERS.contains(&id.as_str()) { Err("must not be a placeholder") } else { Ok(id) }
}

/// Milliseconds; a time in the future becomes now.
fn check_time(time: Option<&Value>, now: Timestamp) -> Result<i64, &'static str> {
    let number = time.and_then(Value::as_i64).ok_or("must be specified as seconds since epoch")?;
    let millis = if number < SECONDS_BELOW { number.saturating_mul(1_000) } else { number };
    if millis < YEAR_1971_MILLIS {
        Err("must not be before 1971")
    } else if millis > now.plus_micros(AHEAD_MAX).millis() {
        Err("must not be more than an hour ahead")
    } else {
        Ok(millis.min(now.millis()))
    }
}

/// Checks sizes, and cuts strings.
fn check_shape(value: &mut Value, depth: usize) -> Result<(), &'static str> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(STRING_CHARS_MAX) {
                text.truncate(end);
            }
            Ok(())
        }
        Value::Array(items) if items.len() >= ITEMS_BELOW => {
            Err("must have fewer than 255 elements")
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| check_shape(item, depth)),
        Value::Object(_) if depth == DEPTH_MAX => Err("must not be nested deeper than 3"),
        Value::Object(keys) if keys.len() >= ITEMS_BELOW => Err("must have fewer than 255 keys"),
        Value::Object(keys) => {
            keys.values_mut().try_for_each(|property| check_shape(property, depth + 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_755_771_330_000);

    /// A good event with one property changed or, by null, taken out.
    fn event_with(name: &str, value: Value) -> Value {
        let mut properties = json!({
            "time": 1_755_771_330, "distinct_id": "campus-a/1", "$insert_id": "a-1", "ip": 0,
        });
        if value.is_null() {
            properties.as_object_mut().unwrap().remove(name);
        } else {
            properties[name] = value;
        }
        json!({ "event": "award.granted", "properties": properties })
    }

    #[track_caller]
    fn check_refused(event: &Value, field: &str) {
        assert_eq!(check(event, NOW).map_err(|flaw| flaw.field), Err(field.to_owned()), "{event}");
    }

    #[test]
    fn required_fields_are_required_in_their_forms() {
        check_refused(&json!("text"), "event");
        check_refused(&json!({ "properties": {} }), "event");
        check_refused(&json!({ "event": "", "properties": {} }), "event");
        check_refused(&json!({ "event": "a" }), "properties");
        check_refused(&json!({ "event": "a", "properties": {}, "more": 1 }), "more");
        for name in ["time", "distinct_id", "$insert_id"] {
            check_refused(&event_with(name, Value::Null), &format!("properties.{name}"));
        }
        for id in ["", "a_b", "ü", &"a".repeat(37), "undefined"] {
            check_refused(&event_with("$insert_id", json!(id)), "properties.$insert_id");
        }
        for id in PLACEHOLDERS {
            check_refused(&event_with("distinct_id", json!(id)), "properties.distinct_id");
        }
        check_refused(&event_with("distinct_id", json!(7)), "properties.distinct_id");
        let good = ["", "campus-a/0", "NULL"];
        assert!(good.iter().all(|id| check(&event_with("distinct_id", json!(id)), NOW).is_ok()));
        let longest = check(&event_with("$insert_id", json!("a".repeat(36))), NOW);
        assert_eq!(longest.unwrap().insert_id.len(), 36);
    }

    #[test]
    fn time_is_seconds_or_milliseconds_from_1971_to_an_hour_ahead() {
        let hour = 3_600_000;
        for (time, stored) in [
            (json!(1_755_771_329), 1_755_771_329_000),
            (json!(1_755_771_329_123_i64), 1_755_771_329_123),
            (json!(31_536_000), YEAR_1971_MILLIS),
            (json!(9_999_999_999_i64), -1),
            (json!(10_000_000_000_i64), -1),
            (json!(31_536_000_000_i64), YEAR_1971_MILLIS),
            (json!(31_535_999), -1),
            (json!(-1), -1),
            (json!(NOW.millis() + 1), NOW.millis()),
            (json!(NOW.millis() + hour), NOW.millis()),
            (json!(NOW.millis() + hour + 1), -1),
            (json!("1755771329"), -1),
            (json!(1_755_771_329.5), -1),
        ] {
            let found = check(&event_with("time", time.clone()), NOW);
            assert_eq!(found.map_or(-1, |event| event.time_millis), stored, "{time}");
        }
    }

    #[test]
    fn sizes_are_limited_and_strings_cut() {
        let object = |keys: usize| -> Value {
            (0..keys).map(|key| (key.to_string(), json!(1))).collect::<Map<_, _>>().into()
        };
        let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }));
        for (good, bad) in [
            (json!(vec![1; 254]), json!(vec![1; 255])),
            (object(254), object(255)),
            (nested(3), nested(4)),
            (json!([nested(3)]), json!([nested(4)])),
        ] {
            assert!(check(&event_with("x", good), NOW).is_ok());
            check_refused(&event_with("x", bad), "properties.x");
        }
        let mut many = event_with("x", json!(1));
        many["properties"].as_object_mut().unwrap().append(object(249).as_object_mut().unwrap());
        assert!(check(&many, NOW).is_ok());
        many["properties"]["one more"] = json!(1);
        check_refused(&many, "properties");

        let stored = check(&event_with("x", json!("ü".repeat(256))), NOW).unwrap();
        assert_eq!(stored.properties["x"], "ü".repeat(255));
    }

    #[test]
    fn the_place_is_that_of_the_property_else_of_the_sender_unless_it_is_nought() {
        for (ip, located_by) in [
            (json!(0), Location::Nobody),
            (json!("0"), Location::Nobody),
            (json!("192.0.2.7"), Location::Property),
            (Value::Null, Location::Sender),
        ] {
            let stored = check(&event_with("ip", ip), NOW).unwrap();
            assert_eq!(stored.located_by, located_by);
            assert_eq!(stored.properties.get("ip"), None);
        }
    }
}
