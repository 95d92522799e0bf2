//! Objects and arrays taken apart without being built: each part comes as its text, and most are never looked at.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde_core::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::room::Room;
use crate::error::{Error, ResourceFault};

/// Members of an object that is taken apart; those of FHIR have fewer than twenty.
const MAX_MEMBERS: usize = 256;

/// Shows every member of an object: its name and its text.
///
/// # Errors
/// Those of `visit`; [`ResourceFault::Malformed`] for what is no JSON object and for a member twice.
pub(crate) fn each_member<'a>(
    text: &'a str,
    what: &'static str,
    visit: &mut dyn FnMut(&str, &'a str) -> Result<(), Error>,
) -> Result<(), Error> {
    walk(text, what, |walk, text| text.deserialize_map(walk), visit)
}

/// Shows the text of every item of an array.
///
/// # Errors
/// Those of `visit`; [`ResourceFault::Malformed`] for what is no JSON array.
pub(crate) fn each_item<'a>(
    text: &'a str,
    what: &'static str,
    visit: &mut dyn FnMut(&'a str) -> Result<(), Error>,
) -> Result<(), Error> {
    walk(text, what, |walk, text| text.deserialize_seq(walk), &mut |_, item| visit(item))
}

type Text<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

fn walk<'a>(
    text: &'a str,
    what: &'static str,
    run: impl FnOnce(Walk<'a, '_>, &mut Text<'a>) -> Result<(), serde_json::Error>,
    visit: &mut dyn FnMut(&str, &'a str) -> Result<(), Error>,
) -> Result<(), Error> {
    let room = Room::for_text(text.len());
    let mut failed = None;
    let mut text = serde_json::Deserializer::from_str(text);
    let walk = Walk { room: &room, visit, failed: &mut failed, text: PhantomData };
    let outcome = run(walk, &mut text).and_then(|()| text.end());
    match (failed, outcome) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(room.fault_of(&error, what).into()),
        (None, Ok(())) => Ok(()),
    }
}

struct Walk<'a, 'b> {
    room: &'b Room,
    visit: &'b mut dyn FnMut(&str, &'a str) -> Result<(), Error>,
    /// What `visit` failed with; the parser's own error has no place for it.
    failed: &'b mut Option<Error>,
    text: PhantomData<&'a str>,
}

impl<'a> Walk<'a, '_> {
    fn show<E: serde_core::de::Error>(&mut self, name: &str, part: &'a RawValue) -> Result<(), E> {
        (self.visit)(name, part.get()).map_err(|error| {
            *self.failed = Some(error);
            E::custom("refused")
        })
    }
}

impl<'a> Visitor<'a> for Walk<'a, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or array")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&'a RawValue>()? {
            self.show("", item)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut members: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.show(&name, members.next_value::<&'a RawValue>()?)?;
            if names.len() == MAX_MEMBERS {
                return Err(self.room.refuse(ResourceFault::TooLarge));
            }
            if !names.insert(name) {
                return Err(A::Error::custom("said twice"));
            }
        }
        Ok(())
    }
}
