//! No circles, and in the core no arrow from a lower floor to a higher one.

use std::path::PathBuf;

use kazasu_house::{Graph, Sources};

/// The core from below. A module uses those of lower rows only: not its neighbours, of which it is unaware.
const FLOORS: &[&[&str]] = &[
    &["base64url", "cancellation", "error", "logging", "secret", "text"],
    &["crypto", "json", "random", "time"],
    &["iso7816"],
    &["card", "fhir", "jose"],
    &["insurance", "qualify"],
    &["store"],
    &["export", "guidance"],
    &["safety"],
    &["session"],
];

fn graph(folder: &str) -> Graph {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let graph = Graph::of(&Sources::read(&root));
    println!("{folder}: {} files, {} arrows", graph.files(), graph.arrows().count());
    graph
}

/// Arrows that do not lead down, between modules right below the root.
fn not_down(graph: &Graph, floors: &[&[&str]]) -> Vec<String> {
    let top = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    let floor = |module: &str| {
        let found = floors.iter().position(|row| row.contains(&module));
        found.unwrap_or_else(|| panic!("{module} stands on no floor"))
    };
    let between = graph.arrows().filter(|(from, to)| *from != "crate" && top(from) != top(to));
    let up = between.filter(|(from, to)| floor(&top(from)) <= floor(&top(to)));
    up.map(|(from, to)| format!("{from} → {to}")).collect()
}

#[test]
fn no_file_uses_itself_by_way_of_others() {
    let mut circles = Vec::new();
    for folder in ["core/src", "bindings/cli/src", "bindings/ffi/src"] {
        circles.extend(graph(folder).circles().into_iter().map(|circle| format!("{folder}: {circle}")));
    }
    assert!(circles.is_empty(), "{} circles:\n{}", circles.len(), circles.join("\n"));
}

#[test]
fn the_core_is_built_from_below() {
    assert_eq!(not_down(&graph("core/src"), FLOORS), Vec::<String>::new());
}

#[test]
fn a_circle_is_seen_through_a_front_door_and_an_arrow_up_is_told() {
    let graph = Graph::of(&Sources::of(&[
        ("", "mod above; mod below; pub use above::roof::Roof;"),
        ("above", "mod roof; mod wall; pub use roof::Roof; pub use wall::Wall;"),
        ("above::roof", "use super::Wall; pub struct Roof(Wall);"),
        ("above::wall", "pub struct Wall; impl Wall { fn under(self) { show!(crate::Roof::new(self)) } }"),
        ("below", "#[cfg(test)] mod tests { use crate::above::Wall; } fn cellar() -> crate::above::Roof { todo!() }"),
    ]));
    assert_eq!(graph.circles(), ["above::roof → above::wall, above::wall → above::roof"]);
    assert_eq!(not_down(&graph, &[&["below"], &["above"]]), ["below → above::roof"]);
}

#[test]
fn a_front_door_that_only_passes_on_is_nobodys_use() {
    let graph = Graph::of(&Sources::of(&[
        ("", "pub mod door;"),
        ("door", "mod one; mod two; pub use one::One; pub use two::*;"),
        ("door::one", "use super::Two as Other; pub struct One; fn of(_: Other) {}"),
        ("door::two", "pub struct Two; #[cfg(test)] mod tests { use super::super::One; fn it(_: One) {} }"),
    ]));
    assert_eq!(graph.arrows().collect::<Vec<_>>(), [("door::one", "door::two")]);
    assert!(graph.circles().is_empty());
}
