//! Where a path leads, through whatever passes it on.

use crate::sources::Sources;

/// How often a name may be passed on.
const DOORS: usize = 8;

impl Sources {
    /// The module whose file declares what `path`, from the crate's root, names; `None` for a module itself, and for what
    /// cannot be told.
    pub(crate) fn declares(&self, path: &[String]) -> Option<&Vec<String>> {
        self.find(path, DOORS)
    }

    fn find(&self, path: &[String], doors: usize) -> Option<&Vec<String>> {
        let doors = doors.checked_sub(1)?;
        let (module, known, rest) = (0..=path.len()).rev().find_map(|length| {
            let (module, rest) = path.split_at(length);
            self.modules.get_key_value(module).map(|(module, known)| (module, known, rest))
        })?;
        let name = rest.first()?;
        if known.items.contains(name) {
            return Some(module);
        }
        if let Some(import) = known.imports.get(name) {
            return self.find(&[import.as_slice(), rest.get(1..)?].concat(), doors);
        }
        known.globs.iter().find_map(|glob| self.find(&[glob.as_slice(), rest].concat(), doors))
    }
}
