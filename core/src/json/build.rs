//! JSON text → [`Value`]: one pass that counts what every part will take before it takes it, and refuses what is too deep,
//! too long, said twice, or a My Number.

use std::fmt;

use serde_core::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::{Entry, Map};
use serde_json::{Number, Value};

use super::my_number::is_my_number;
use super::room::Room;
use crate::error::ResourceFault;

/// Longest string accepted, in bytes.
pub(super) const MAX_STRING: usize = 1 << 20;

/// A value in an array: its own size and nothing else.
const ITEM: usize = size_of::<Value>();
/// Members that one node of a map holds; its size is the same from the first member on.
const NODE_MEMBERS: usize = 11;
/// Members that a node has at least, once there are several (`BTreeMap` of the standard library, B = 6).
const LEAST_MEMBERS: usize = 5;
/// A leaf: eleven names and values, the parent's address, two lengths.
const LEAF: usize = NODE_MEMBERS * (size_of::<String>() + ITEM) + 16;
/// An inner node: a leaf with twelve addresses.
const INNER: usize = LEAF + (NODE_MEMBERS + 1) * size_of::<usize>();

/// Builds one value.
#[derive(Clone, Copy)]
pub(super) struct Build<'a> {
    pub(super) room: &'a Room,
    /// Members of these names are left out, wherever they stand.
    pub(super) without: &'a [&'a str],
    /// Levels that this value may have.
    pub(super) levels: usize,
}

impl Build<'_> {
    /// One level down.
    fn inside<E: Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| self.room.refuse(ResourceFault::TooLarge))?;
        Ok(Self { levels, ..self })
    }

    fn string<E: Error>(self, text: &str) -> Result<String, E> {
        if text.len() > MAX_STRING {
            return Err(self.room.refuse(ResourceFault::TooLarge));
        }
        self.room.take(text.len())?;
        Ok(text.to_owned())
    }
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.string(text).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut list: Vec<Value> = Vec::new();
        while let Some(item) = items.next_element_seed(inside)? {
            if list.len() == list.capacity() {
                grow(&mut list, self.room)?;
            }
            list.push(item);
        }
        self.room.give(list.capacity().saturating_sub(list.len()).saturating_mul(ITEM));
        list.shrink_to_fit();
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key_seed(Name(self))? {
            if self.without.contains(&name.as_str()) {
                self.room.give(name.len());
                members.next_value::<serde_core::de::IgnoredAny>()?;
                continue;
            }
            self.room.take(cost_of_member(object.len()))?;
            match object.entry(name) {
                // Readers differ in which of two they take.
                Entry::Occupied(_) => return Err(A::Error::custom("said twice")),
                Entry::Vacant(place) => place.insert(members.next_value_seed(inside)?),
            };
        }
        if is_my_number(&object) {
            return Err(self.room.refuse(ResourceFault::MyNumber));
        }
        Ok(Value::Object(object))
    }
}

/// The name of a member.
struct Name<'a>(Build<'a>);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<String, E> {
        self.0.string(name)
    }
}

/// Twice the places; while they are moved, the old ones are there too. Most arrays of FHIR have one item.
fn grow<E: Error>(list: &mut Vec<Value>, room: &Room) -> Result<(), E> {
    let old = list.capacity();
    let new = old.saturating_mul(2).max(1);
    room.take(new.saturating_mul(ITEM))?;
    list.reserve_exact(new.saturating_sub(old));
    room.give(old.saturating_mul(ITEM));
    Ok(())
}

/// What a map with `count` members may allocate for one more, at most. The first makes a leaf, the twelfth splits it below
/// a new root; after that no node is made before the others have five members each.
fn cost_of_member(count: usize) -> usize {
    match count.checked_sub(NODE_MEMBERS) {
        None if count == 0 => LEAF,
        None => 0,
        Some(0) => LEAF.saturating_add(INNER),
        Some(beyond) if beyond % LEAST_MEMBERS == 0 => LEAF.saturating_add(INNER / LEAST_MEMBERS),
        Some(_) => 0,
    }
}
