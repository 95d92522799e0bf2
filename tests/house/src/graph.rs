//! Arrows between files, and circles of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::Sources;

/// Which file uses which, as module paths: `qualify::http`; the root is `crate`.
pub struct Graph {
    arrows: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Every arrow between two files of `sources`.
    pub fn of(sources: &Sources) -> Self {
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, module) in &sources.modules {
            let used = module.used.iter().filter_map(|path| module.resolved(path));
            let to = used.filter_map(|path| sources.declares(&path).cloned()).filter(|to| to != from);
            arrows.insert(name(from), to.map(|to| name(&to)).collect());
        }
        Self { arrows }
    }

    /// Every arrow, from user to used.
    pub fn arrows(&self) -> impl Iterator<Item = (&str, &str)> {
        self.arrows.iter().flat_map(|(from, to)| to.iter().map(move |to| (from.as_str(), to.as_str())))
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.arrows.len()
    }

    /// The files that use one another, directly or not: the largest sets of them, and the arrows inside.
    pub fn circles(&self) -> Vec<String> {
        let reach: BTreeMap<&str, BTreeSet<&str>> =
            self.arrows.keys().map(|from| (from.as_str(), self.reached(from))).collect();
        let mut circles = BTreeSet::new();
        for (from, reached) in &reach {
            if reached.contains(from) {
                let members: BTreeSet<&str> = reached.iter().copied().filter(|to| reach[to].contains(from)).collect();
                circles.insert(members);
            }
        }
        circles.iter().map(|members| self.shown(members)).collect()
    }

    fn reached<'a>(&'a self, from: &'a str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut next = vec![from];
        while let Some(one) = next.pop() {
            next.extend(self.arrows[one].iter().map(String::as_str).filter(|to| reached.insert(*to)));
        }
        reached
    }

    fn shown(&self, members: &BTreeSet<&str>) -> String {
        let inside = self.arrows().filter(|(from, to)| members.contains(from) && members.contains(to));
        inside.map(|(from, to)| format!("{from} → {to}")).collect::<Vec<_>>().join(", ")
    }
}

fn name(path: &[String]) -> String {
    if path.is_empty() { "crate".into() } else { path.join("::") }
}
