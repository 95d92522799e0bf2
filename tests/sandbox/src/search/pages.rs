//! The pages of a search: what was found stays as it was, and a `next` link names its page by a random token.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::random;
use crate::sync::lock;

/// The pages that can still be turned to.
#[derive(Default)]
pub(crate) struct Pages(Mutex<VecDeque<Entry>>);

#[derive(Clone)]
struct Entry {
    token: String,
    person: u8,
    kind: &'static str,
    found: Arc<Vec<Value>>,
    from: usize,
    count: usize,
}

/// One page of what was found.
pub(super) struct Page {
    pub(super) resources: Vec<Value>,
    pub(super) total: usize,
    /// Names this page again.
    pub(super) this: String,
    pub(super) next: Option<String>,
}

impl Pages {
    /// The first page of a search; `count` 0 shows nothing but the total.
    pub(super) fn open(&self, person: u8, kind: &'static str, found: Vec<Value>, count: usize) -> Page {
        let entry = Entry { token: random::token(), person, kind, found: Arc::new(found), from: 0, count };
        let page = self.show(&entry);
        self.keep(entry);
        page
    }

    /// The page that `token` names, if it is one of this person's.
    pub(super) fn turn(&self, person: u8, kind: &str, token: &str) -> Option<Page> {
        let wanted = |entry: &&Entry| entry.token == token && entry.person == person && entry.kind == kind;
        let entry = lock(&self.0).iter().find(wanted).cloned()?;
        Some(self.show(&entry))
    }

    fn show(&self, entry: &Entry) -> Page {
        let to = entry.from.saturating_add(entry.count).min(entry.found.len());
        let next = (entry.count > 0 && to < entry.found.len()).then(|| {
            let next = Entry { token: random::token(), from: to, ..entry.clone() };
            let token = next.token.clone();
            self.keep(next);
            token
        });
        let resources = entry.found[entry.from..to].to_vec();
        Page { resources, total: entry.found.len(), this: entry.token.clone(), next }
    }

    fn keep(&self, entry: Entry) {
        let mut entries = lock(&self.0);
        entries.push_back(entry);
        if entries.len() > KEPT {
            entries.pop_front();
        }
    }
}

/// The query parameter of a `next` link.
pub(super) const PARAMETER: &str = "_page";
const KEPT: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(page: &Page) -> Vec<u64> {
        page.resources.iter().filter_map(Value::as_u64).collect()
    }

    #[test]
    fn pages_follow_one_another_and_belong_to_one_person() {
        let pages = Pages::default();
        let first = pages.open(1, "A", (0..5).map(Value::from).collect(), 2);
        assert_eq!((numbers(&first), first.total), (vec![0, 1], 5));
        let token = first.next.unwrap();
        assert!(pages.turn(2, "A", &token).is_none() && pages.turn(1, "B", &token).is_none());
        let second = pages.turn(1, "A", &token).unwrap();
        assert_eq!(numbers(&second), [2, 3]);
        let last = pages.turn(1, "A", &second.next.unwrap()).unwrap();
        assert_eq!((numbers(&last), last.next), (vec![4], None));
        assert_eq!(numbers(&pages.turn(1, "A", &token).unwrap()), [2, 3], "a lost answer can be had again");
    }

    #[test]
    fn an_exact_page_has_no_next_and_zero_shows_the_total() {
        let pages = Pages::default();
        assert!(pages.open(1, "A", vec![Value::Null; 2], 2).next.is_none());
        let none = pages.open(1, "A", vec![Value::Null; 2], 0);
        assert_eq!((none.resources.len(), none.total, none.next), (0, 2, None));
    }
}
