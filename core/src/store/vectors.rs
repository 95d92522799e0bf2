//! The worked values that tests compare with: `tests/vectors/store.tsv`.

/// Name → bytes.
pub(super) struct Vectors(std::collections::BTreeMap<String, Vec<u8>>);

impl Vectors {
    pub(super) fn load() -> Self {
        let lines = include_str!("../../../tests/vectors/store.tsv").lines().filter(|line| !line.starts_with('#'));
        let row = |line: &str| line.split_once('\t').map(|(name, hex)| (name.to_owned(), decode(hex)));
        Self(lines.map(|line| row(line).expect("name and value")).collect())
    }

    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        self.0.get(name).unwrap_or_else(|| panic!("no vector {name}")).clone()
    }

    pub(super) fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().expect("another length")
    }
}

fn decode(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|two| u8::from_str_radix(str::from_utf8(two).expect("ASCII"), 16).expect("hex"))
        .collect()
}
