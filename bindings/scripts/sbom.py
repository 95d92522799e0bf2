#!/usr/bin/env python3
"""Writes what is inside a built artefact as a CycloneDX 1.6 document (JSON).

    sbom.py ARTEFACT -p PACKAGE --target TRIPLE [--features F] [--no-default-features] > ARTEFACT.cdx.json

Takes the options the artefact was built with, and asks `cargo tree` with them: the list of a whole workspace would name
crates that this artefact does not have. What is linked in has no scope; crates that only generate or compile code have
scope "excluded". The same commit and compiler give the same bytes: the time is SOURCE_DATE_EPOCH, the serial number is
derived from the contents, and no folder or registry of this machine is named.
"""

import argparse
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import uuid

FORMAT = "{p}\t{l}\t{r}"
LINE = re.compile(r"(\d+)(\S+) v(\S+)((?: \([^)]*\))*)$")


def tree(options, edges):
    """The crates as (name, version) with what is known of them, the root first, and whom each needs."""
    command = ["cargo", "tree", "--locked", "--prefix", "depth", "--edges", edges, "--format", FORMAT, *options]
    crates, needs, path = {}, {}, []
    for line in subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
        package, licence, repository = line.removesuffix(" (*)").split("\t")
        depth, name, version, notes = LINE.match(package).groups()
        crate, depth = (name, version), int(depth)
        crates[crate] = {"licence": licence, "repository": repository, "is_macro": "(proc-macro)" in notes}
        needs.setdefault(crate, set())
        del path[depth:]
        if path:
            needs[path[-1]].add(crate)
        path.append(crate)
    return crates, needs


def linked(crates, needs):
    """The crates whose code gets into the artefact: none of a macro's own."""
    found, left = set(), [next(iter(crates))]
    while left:
        crate = left.pop()
        if crate not in found and not crates[crate]["is_macro"]:
            found.add(crate)
            left.extend(needs[crate])
    return found


def checksums():
    """SHA-256 of each crate as the registry has it, from Cargo.lock."""
    with open("Cargo.lock", encoding="utf-8") as file:
        blocks = file.read().split("[[package]]\n")[1:]
    fields = [dict(re.findall(r'^(\w+) = "(.*)"$', block, re.MULTILINE)) for block in blocks]
    return {(field["name"], field["version"]): field.get("checksum") for field in fields}


def component(crate, known, checksum, is_linked):
    name, version = crate
    # What crates of before 2018 wrote for OR.
    licence = known["licence"].replace("/", " OR ")
    result = {
        "type": "library",
        "bom-ref": reference(crate),
        "name": name,
        "version": version,
        "licenses": [{"expression": licence}],
        "purl": reference(crate),
    }
    if not is_linked:
        result["scope"] = "excluded"
    if checksum:
        result["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if known["repository"]:
        result["externalReferences"] = [{"type": "vcs", "url": known["repository"]}]
    return result


def reference(crate):
    return f"pkg:cargo/{crate[0]}@{crate[1]}"


def standard_library():
    """Linked into everything."""
    rustc = [os.environ.get("RUSTC", "rustc"), "--version", "--verbose"]
    version = subprocess.run(rustc, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {
        "type": "library",
        "bom-ref": "rust-std",
        "name": "rust-std",
        "version": re.search(r"^release: (.*)$", version, re.MULTILINE)[1],
        "description": "Rust standard library " + re.search(r"^commit-hash: (.*)$", version, re.MULTILINE)[1],
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "externalReferences": [{"type": "vcs", "url": "https://github.com/rust-lang/rust"}],
    }


def document(artefact, options):
    crates, needs = tree(options, "normal,build")
    inside = linked(*tree(options, "normal"))
    sums, root = checksums(), next(iter(crates))
    with open(artefact, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    kind = "library" if artefact.endswith((".so", ".a", ".dylib")) else "application"
    subject = component(root, crates[root], digest, True) | {"type": kind, "description": os.path.basename(artefact)}
    others = [component(crate, crates[crate], sums[crate], crate in inside) for crate in sorted(crates) if crate != root]
    edges = {crate: sorted(map(reference, needs[crate])) for crate in sorted(crates)}
    edges[root].append("rust-std")
    time = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    body = {
        "metadata": {
            "timestamp": time.isoformat().replace("+00:00", "Z"),
            "component": subject,
            "properties": [{"name": "cargo:options", "value": " ".join(options)}],
        },
        "components": [*others, standard_library()],
        "dependencies": [{"ref": reference(crate), "dependsOn": refs} for crate, refs in edges.items()],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1}
    return head | body


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artefact")
    parser.add_argument("-p", "--package", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--features")
    parser.add_argument("--no-default-features", action="store_true")
    given = parser.parse_args()
    options = ["-p", given.package, "--target", given.target]
    options += ["--features", given.features] if given.features else []
    options += ["--no-default-features"] if given.no_default_features else []
    artefact = os.path.abspath(given.artefact)
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    json.dump(document(artefact, options), sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
