#!/usr/bin/env python3
"""Fails unless every loadable segment of the given 64-bit ELF files suits 16 KB memory pages.

    check_elf_align.py libkazasu_ffi.so ...

Android starts a library on a device with 16 KB pages only if each PT_LOAD is aligned to at least 16384 and its
address and file offset agree modulo the alignment. 32-bit devices keep 4 KB pages: such files are named and passed.
"""

import struct
import sys

PAGE = 16384
PT_LOAD = 1
ELFCLASS32, ELFCLASS64 = 1, 2


def check(path):
    """The faults of one file, and what to say of it when there are none."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:4] != b"\x7fELF":
        return ["not an ELF file"], ""
    if data[4] == ELFCLASS32:
        return [], "32-bit, not concerned"
    if data[4] != ELFCLASS64:
        return [f"unknown ELF class {data[4]}"], ""
    order = {1: "<", 2: ">"}.get(data[5])
    if order is None:
        return [f"unknown byte order {data[5]}"], ""
    (table,) = struct.unpack_from(order + "Q", data, 0x20)
    entry_size, count = struct.unpack_from(order + "HH", data, 0x36)
    faults, loads = [], []
    for index in range(count):
        kind, _, offset, address, _, _, _, align = struct.unpack_from(order + "IIQQQQQQ", data, table + index * entry_size)
        if kind != PT_LOAD:
            continue
        loads.append(align)
        if align < PAGE:
            faults.append(f"segment {index}: aligned to {align}, {PAGE} needed")
        elif align & (align - 1):
            faults.append(f"segment {index}: alignment {align} is no power of two")
        elif address % align != offset % align:
            faults.append(f"segment {index}: address {address:#x} and offset {offset:#x} disagree")
    if not loads:
        faults.append("no loadable segment")
    return faults, f"{len(loads)} segments, aligned to {min(loads, default=0)}"


def main(paths):
    if not paths:
        print(__doc__, file=sys.stderr)
        return 2
    failed = False
    for path in paths:
        try:
            faults, summary = check(path)
        except (OSError, struct.error) as error:
            faults, summary = [str(error)], ""
        for fault in faults:
            print(f"{path}: {fault}", file=sys.stderr)
        if faults:
            failed = True
        else:
            print(f"{path}: {summary}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
