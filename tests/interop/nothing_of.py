"""nothing_of.py FILE SECRET…: fails when a secret stands in the file.

A secret is a text, or with @ in front a file of which no nine bytes may stand there in hexadecimal or Base64, and no 16
as they are.
"""

import base64
import sys

with open(sys.argv[1], "rb") as file:
    found = file.read()
packed = b"".join(found.split())
lower = packed.lower()
for secret in sys.argv[2:]:
    assert secret, "an empty secret is everywhere"
    if not secret.startswith("@"):
        # Not the value: it may be a real failure's log that shows it.
        assert secret.encode() not in found and secret.encode().hex().encode() not in lower, "a secret stands in it"
        continue
    with open(secret[1:], "rb") as file:
        data = file.read()
    for at in range(0, len(data) - 15):
        piece = data[at:at + 9]
        assert data[at:at + 16] not in found, f"bytes from {at}"
        assert piece.hex().encode() not in lower, f"hexadecimal from {at}"
        assert base64.b64encode(piece) not in packed and base64.urlsafe_b64encode(piece) not in packed, f"Base64 from {at}"
