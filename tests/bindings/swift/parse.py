"""Parses Swift files with tree-sitter; prints each file that does not parse with its first faults.

    parse.py FILE ...

Two things that UniFFI generates are Swift and yet unknown to the grammar: a documentation attribute alone between `#if`
and `#endif`, and a closure that holds `()` only. They are blanked before parsing, and nothing else is.
"""

import sys

import tree_sitter_swift
from tree_sitter import Language, Parser

BLANKED = {
    b"@_documentation(visibility: private)": b" " * 36,
    b"let writeReturn = { () }": b"let writeReturn = {    }",
}


def faults(node):
    if node.is_missing:
        yield node, f"missing {node.type}"
    elif node.type == "ERROR":
        yield node, "not understood"
    elif node.has_error:
        for child in node.children:
            yield from faults(child)


def main(paths):
    parser = Parser(Language(tree_sitter_swift.language()))
    failed = 0
    for path in paths:
        with open(path, "rb") as file:
            source = file.read()
        for generated, blank in BLANKED.items():
            source = source.replace(generated, blank)
        found = list(faults(parser.parse(source).root_node))
        for node, what in found[:5]:
            row, column = node.start_point
            text = source[node.start_byte : node.end_byte].decode(errors="replace").splitlines()
            print(f"{path}:{row + 1}:{column + 1}: {what}: {(text or [''])[0][:80]}", file=sys.stderr)
        failed += bool(found)
        print("FAIL" if found else "ok", path)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
