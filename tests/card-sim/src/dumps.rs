//! Playing the published files of a real test card.

use crate::{application_kind::ApplicationKind, config::Config};
use std::{fs, io, path::Path};

impl Config {
    /// Replaces files and data objects of the card with the dumps in a folder, by their names; others are passed over.
    ///
    /// The names are those of the fixtures that the crate `myna-card` ships, read from a JPKI test card:
    ///
    /// ```text
    /// text-NNNN.bin, text-NNNN-physical.bin     EF NNNN of the text-input support application
    /// surface-NNNN.bin                          EF NNNN of the surface application
    /// jpki-sign-cert.der, jpki-sign-ca-cert.der, jpki-auth-cert.der, jpki-auth-ca-cert.der
    /// mf-do-TAG.bin                             data object of the issuer security domain
    /// ```
    ///
    /// PINs, keys and printed numbers stay those of the person: the dumps hold no private keys, so signatures the card
    /// makes do not belong to the public keys in them.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read.
    pub fn with_dumps(mut self, folder: impl AsRef<Path>) -> io::Result<Self> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            match path.file_name().and_then(|name| name.to_str()).and_then(place) {
                Some(Place::File(kind, id)) => self = self.with_file(kind, id, fs::read(&path)?),
                Some(Place::DataObject(tag)) => _ = self.data_objects.insert(tag, fs::read(&path)?),
                None => {}
            }
        }
        Ok(self)
    }
}

#[derive(Debug, Eq, PartialEq)]
enum Place {
    File(ApplicationKind, u16),
    DataObject(u16),
}

/// Where the dump with this name belongs.
fn place(name: &str) -> Option<Place> {
    let jpki = |id| Some(Place::File(ApplicationKind::Jpki, id));
    match name {
        "jpki-sign-cert.der" => return jpki(0x0001),
        "jpki-sign-ca-cert.der" => return jpki(0x0002),
        "jpki-auth-cert.der" => return jpki(0x000A),
        "jpki-auth-ca-cert.der" => return jpki(0x000B),
        _ => {}
    }
    let stem = name.strip_suffix(".bin")?;
    let hex = |digits: &str| u16::from_str_radix(digits, 16).ok();
    if let Some(tag) = stem.strip_prefix("mf-do-") {
        return hex(tag).map(Place::DataObject);
    }
    let (kind, digits) = match stem.split_once('-')? {
        ("text", digits) => (ApplicationKind::TextInput, digits.strip_suffix("-physical").unwrap_or(digits)),
        ("surface", digits) => (ApplicationKind::Surface, digits),
        _ => return None,
    };
    hex(digits).filter(|_| digits.len() == 4).map(|id| Place::File(kind, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_place() {
        let text = |id| Some(Place::File(ApplicationKind::TextInput, id));
        assert_eq!(place("text-0001-physical.bin"), text(0x0001));
        assert_eq!(place("text-0007.bin"), text(0x0007));
        assert_eq!(place("surface-000A.bin"), Some(Place::File(ApplicationKind::Surface, 0x000A)));
        assert_eq!(place("jpki-auth-cert.der"), Some(Place::File(ApplicationKind::Jpki, 0x000A)));
        assert_eq!(place("mf-do-F8.bin"), Some(Place::DataObject(0x00F8)));
        assert_eq!(place("mf-do-7F21.bin"), Some(Place::DataObject(0x7F21)));
        for other in ["README.md", "cv-ca-key-synthetic.bin", "jpki-auth-ca-cert-2019.der", "text-1.bin", "text.bin"] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
