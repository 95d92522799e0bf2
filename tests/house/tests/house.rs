//! No circles, and no arrow from a lower floor to a higher one.

use std::path::PathBuf;

use kazasu_house::{Graph, Sources};

fn graph(folder: &str) -> Graph {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let graph = Graph::of(&Sources::read(&root));
    println!("{folder}: {} files, {} arrows", graph.files(), graph.arrows().count());
    graph
}

#[test]
fn no_file_uses_itself_by_way_of_others() {
    let mut circles = Vec::new();
    for folder in ["core/src", "bindings/cli/src", "bindings/ffi/src"] {
        circles.extend(graph(folder).circles().into_iter().map(|circle| format!("{folder}: {circle}")));
    }
    assert!(circles.is_empty(), "{} circles:\n{}", circles.len(), circles.join("\n"));
}
