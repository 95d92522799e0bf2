//! What one file declares, imports and names.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, UseTree};

/// One file.
pub(crate) struct Module {
    path: Vec<String>,
    /// Modules in files of their own.
    pub(crate) children: Vec<String>,
    /// Names of its items, those of modules inside the file included.
    pub(crate) items: BTreeSet<String>,
    /// What names stand for: paths from the crate's root.
    pub(crate) imports: BTreeMap<String, Vec<String>>,
    /// Modules all of whose names are imported.
    pub(crate) globs: Vec<Vec<String>>,
    /// Paths that are used, from the crate's root or from this module.
    pub(crate) used: BTreeSet<Vec<String>>,
}

impl Module {
    pub(crate) fn parse(path: Vec<String>, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let mut module = Self {
            path,
            children: Vec::new(),
            items: BTreeSet::new(),
            imports: BTreeMap::new(),
            globs: Vec::new(),
            used: BTreeSet::new(),
        };
        module.visit_file(&file);
        module
    }

    /// From the crate's root, where a path begins with `crate`, `self` or `super`; otherwise `None`.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let mut from = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.path.clone(),
            "super" => self.path.split_last()?.1.to_vec(),
            _ => return None,
        };
        for name in rest {
            if name == "super" {
                from.pop()?;
            } else {
                from.push(name.clone());
            }
        }
        Some(from)
    }

    /// From the crate's root, as far as this file tells: by an import, a module below, or an item of its own.
    pub(crate) fn resolved(&self, path: &[String]) -> Option<Vec<String>> {
        if let Some(absolute) = self.absolute(path) {
            return Some(absolute);
        }
        let (first, rest) = path.split_first()?;
        if let Some(import) = self.imports.get(first) {
            return Some([import.as_slice(), rest].concat());
        }
        self.children.contains(first).then(|| [self.path.as_slice(), path].concat())
    }

    fn import(&mut self, tree: &UseTree, before: &[String], passes_on: bool) {
        match tree {
            UseTree::Path(tree) => self.import(&tree.tree, &[before, &[tree.ident.to_string()]].concat(), passes_on),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, before, passes_on)),
            UseTree::Name(name) => self.import_name(&name.ident, &name.ident, before, passes_on),
            UseTree::Rename(name) => self.import_name(&name.ident, &name.rename, before, passes_on),
            UseTree::Glob(_) => self.globs.extend(self.rooted(before)),
        }
    }

    fn import_name(&mut self, name: &Ident, alias: &Ident, before: &[String], passes_on: bool) {
        let is_folder = name == "self";
        let path = if is_folder { before.to_vec() } else { [before, &[name.to_string()]].concat() };
        let Some(path) = self.rooted(&path) else { return };
        let alias = if is_folder && alias == "self" { path.last().cloned() } else { Some(alias.to_string()) };
        if !passes_on {
            self.used.insert([&["crate".to_owned()], path.as_slice()].concat());
        }
        self.imports.extend(alias.map(|alias| (alias, path)));
    }

    /// As [`Module::absolute`]; a name without `self` may be a module below.
    fn rooted(&self, path: &[String]) -> Option<Vec<String>> {
        let below = path.first().is_some_and(|first| self.children.contains(first));
        if below { Some([self.path.as_slice(), path].concat()) } else { self.absolute(path) }
    }

    /// Paths in the arguments of a macro, which are not parsed.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.used.extend((!path.is_empty()).then(|| std::mem::take(&mut path)));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.used.extend((!path.is_empty()).then(|| std::mem::take(&mut path)));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.used.extend((!path.is_empty()).then_some(path));
    }
}

impl<'a> Visit<'a> for Module {
    fn visit_item(&mut self, item: &'a Item) {
        if is_test(item) {
            return;
        }
        match item {
            Item::Mod(inner) if inner.content.is_none() => self.children.push(inner.ident.to_string()),
            Item::Use(import) => {
                let passes_on = !matches!(import.vis, syn::Visibility::Inherited);
                self.import(&import.tree, &[], passes_on);
            }
            item => {
                self.items.extend(name_of(item));
                visit::visit_item(self, item);
            }
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.used.insert(path.segments.iter().map(|one| one.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    // `#[doc]`, `#[derive]` and the like use nothing of the crate.
    fn visit_attribute(&mut self, _: &'a Attribute) {}
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Mod(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// `#[cfg(test)]`, or only with something beside.
fn is_test(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    };
    let condition =
        |one: &Attribute| one.path().is_ident("cfg").then(|| one.meta.require_list().ok()?.tokens.to_string().into());
    attributes
        .iter()
        .filter_map(|one| condition(one).flatten())
        .any(|text: String| text == "test" || text.starts_with("all (test"))
}
