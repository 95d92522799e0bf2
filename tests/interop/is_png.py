"""is_png.py FILE WIDTH HEIGHT: a PNG of that size, its checksums right and its pixels complete and not all alike."""

import struct
import sys
import zlib

name, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(name, "rb") as file:
    data = file.read()
assert data[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG"
at, kinds, pixels, header = 8, [], b"", None
while at < len(data):
    length, kind = struct.unpack(">I4s", data[at:at + 8])
    body = data[at + 8:at + 8 + length]
    (checksum,) = struct.unpack(">I", data[at + 8 + length:at + 12 + length])
    assert checksum == zlib.crc32(kind + body), f"wrong checksum of {kind}"
    kinds.append(kind)
    if kind == b"IHDR":
        header = struct.unpack(">IIBBBBB", body)
    if kind == b"IDAT":
        pixels += body
    at += 12 + length
assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND" and at == len(data), kinds
assert header[:2] == (width, height), f"{header[0]} x {header[1]}"
samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[header[3]]
line = 1 + (width * samples * header[2] + 7) // 8
raw = zlib.decompress(pixels)
assert len(raw) == height * line, f"{len(raw)} bytes of pixels"
assert len(set(raw)) > 2, "an empty picture"
