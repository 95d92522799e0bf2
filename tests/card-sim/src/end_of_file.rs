//! What a card answers that has fewer bytes left than READ BINARY asks for (ISO/IEC 7816-4, 5.6 and 11.3.3).

use crate::{
    apdu::{Response, status},
    commands::Outcome,
};
use std::{fmt, str::FromStr};

/// How a card tells that a file ends. Each is what some card does.
///
/// ```text
///             fewer bytes left      none left
/// remaining   the rest, 9000        6B00
/// empty       the rest, 9000        9000 without data
/// warned      the rest, 6282        6282 without data
/// refused     6B00                  6B00
/// exact       6Cxx with their number, 6C00 for 256 or more    6B00
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum EndOfFile {
    /// As today's My Number card.
    #[default]
    Remaining,
    /// As cards that have no status word for it.
    Empty,
    /// With the warning the standard has for it.
    Warned,
    /// Nothing is read beyond the end.
    Refused,
    /// The right length is told and wants to be asked for.
    Exact,
}

impl EndOfFile {
    /// Every way, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Remaining, Self::Empty, Self::Warned, Self::Refused, Self::Exact];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Remaining => "remaining",
            Self::Empty => "empty",
            Self::Warned => "warned",
            Self::Refused => "refused",
            Self::Exact => "exact",
        }
    }

    /// The answer where `le` bytes were asked for and `rest` is left.
    pub(crate) fn answer(self, rest: &[u8], le: usize) -> Outcome {
        if let Some(data) = rest.get(..le) {
            return Ok(Response::data(data.to_vec()));
        }
        let with = |sw| Ok(Response { data: rest.to_vec(), sw });
        match (self, rest) {
            (Self::Warned, _) => with(status::END_OF_FILE),
            (Self::Empty, _) => with(status::OK),
            (Self::Refused, _) | (_, []) => Err(status::OFFSET_OUTSIDE_FILE),
            (Self::Exact, _) => Err(status::WRONG_LE | u8::try_from(rest.len()).map_or(0, u16::from)),
            (Self::Remaining, _) => with(status::OK),
        }
    }
}

impl fmt::Display for EndOfFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EndOfFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|end| end.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("unknown end of file {text:?}; there are {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_answers_as_its_table_says() {
        let say = |end: EndOfFile, left: usize| match end.answer(&vec![7; left], 4) {
            Ok(response) => (response.data.len(), response.sw),
            Err(sw) => (0, sw),
        };
        for end in EndOfFile::ALL {
            assert_eq!(say(end, 4), (4, 0x9000), "{end}");
            assert_eq!(end.name().parse(), Ok(end));
        }
        let table = EndOfFile::ALL.map(|end| (say(end, 3), say(end, 0)));
        let expected = [
            ((3, 0x9000), (0, 0x6B00)),
            ((3, 0x9000), (0, 0x9000)),
            ((3, 0x6282), (0, 0x6282)),
            ((0, 0x6B00), (0, 0x6B00)),
            ((0, 0x6C03), (0, 0x6B00)),
        ];
        assert_eq!(table, expected);
    }
}
