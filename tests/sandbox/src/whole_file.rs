//! Files that are written whole or not at all, for their owner alone: what is at the name, a link too, is replaced.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::random;

/// Writes a new file beside `path` and renames it. A device is written to as it is.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::write(path, bytes);
    }
    let beside = path.with_file_name(format!(".kazasu-{}.new", random::token()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let written = file.write_all(bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_the_new_file_is_private() {
        use std::os::unix::fs::{MetadataExt, symlink};
        let folder = std::env::temp_dir().join(format!("kazasu-whole-{}", random::token()));
        fs::create_dir(&folder).expect("made");
        let (victim, link) = (folder.join("victim"), folder.join("link"));
        fs::write(&victim, "as it was").expect("written");
        symlink(&victim, &link).expect("linked");
        write(&link, b"new").expect("written");
        assert_eq!(fs::read(&victim).expect("there"), b"as it was");
        let metadata = fs::symlink_metadata(&link).expect("there");
        assert_eq!((metadata.is_file(), metadata.mode() & 0o777), (true, 0o600));
        assert!(write(&folder.join("none").join("file"), b"new").is_err());
        assert_eq!(fs::read_dir(&folder).expect("there").count(), 2);
        fs::remove_dir_all(&folder).expect("removed");
    }
}
