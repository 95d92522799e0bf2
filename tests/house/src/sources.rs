//! The files of one crate, by module.

use std::collections::BTreeMap;
use std::path::Path;

use crate::module::Module;

/// The files of one crate, without its tests.
#[derive(Default)]
pub struct Sources {
    /// By module: `["qualify", "http"]`; the root is `[]`.
    pub(crate) modules: BTreeMap<Vec<String>, Module>,
}

impl Sources {
    /// Reads the crate whose root is `folder/lib.rs` or `folder/main.rs`.
    ///
    /// # Panics
    /// If there is no root, or a file is not Rust.
    pub fn read(folder: &Path) -> Self {
        let root = ["lib.rs", "main.rs"].map(|name| folder.join(name)).into_iter().find(|file| file.exists());
        let mut sources = Self::default();
        sources.read_module(Vec::new(), &root.expect("a root"), folder);
        sources
    }

    /// Of texts by module, such as `qualify::http`; the root is empty.
    ///
    /// # Panics
    /// If a text is not Rust.
    pub fn of(texts: &[(&str, &str)]) -> Self {
        let mut sources = Self::default();
        for (module, text) in texts {
            let path: Vec<String> = module.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
            sources.modules.insert(path.clone(), Module::parse(path, text));
        }
        sources
    }

    fn read_module(&mut self, path: Vec<String>, file: &Path, children: &Path) {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let module = Module::parse(path.clone(), &text);
        let names = module.children.clone();
        self.modules.insert(path.clone(), module);
        for name in names {
            let (flat, folder) = (children.join(format!("{name}.rs")), children.join(&name));
            let file = if flat.exists() { flat } else { folder.join("mod.rs") };
            self.read_module([path.as_slice(), std::slice::from_ref(&name)].concat(), &file, &folder);
        }
    }
}
