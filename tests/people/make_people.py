#!/usr/bin/env python3
"""Draws the test data of the ten synthetic people. Run once per part; the results are checked in.

  make_people.py keys        keys.json, ca-*.pem   keys of people and of the JPKI-SIM authorities; replaces every key
  make_people.py card-keys   card-keys.json        keys of cards, municipalities and CV authorities; replaces every key
  make_people.py printed     printed.json, photo.jp2   what is printed on the cards: the same bytes every time

Needs: cryptography and jwcrypto for the keys, Pillow and the Debian package fonts-ipafont-gothic for the pictures.
"""
import base64, datetime, io, json, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from jwcrypto import jwk

HERE = pathlib.Path(__file__).resolve().parent
KINDS = {"rsa2048": lambda: rsa.generate_private_key(65537, 2048), "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
         "p384": lambda: ec.generate_private_key(ec.SECP384R1())}
PURPOSES = {"authentication": ("JPKI for user authentication", "公的個人認証サービス利用者証明用（模擬）"),
            "signature": ("JPKI for digital signature", "公的個人認証サービス署名用（模擬）")}

def pkcs8(key):
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return base64.b64encode(der).decode()

def thumbprint(key):
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return jwk.JWK.from_pem(pem).thumbprint()

def authority(purpose, key):
    """A self-signed authority in the shape of the JPKI roots: KU, SAN dirName, BC, CDP, SKI, no AKI."""
    unit, japanese = PURPOSES[purpose]
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in (
        (NameOID.COUNTRY_NAME, "JP"), (NameOID.ORGANIZATION_NAME, "JPKI-SIM"), (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Kazasu simulated authority"))])
    native = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "公的個人認証サービス（模擬）"),
                        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, japanese)])
    utc = datetime.timezone.utc
    digest = hashes.SHA384() if isinstance(key, ec.EllipticCurvePrivateKey) else hashes.SHA256()
    return (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(int.from_bytes(b"SIM" + purpose[:1].encode() + (b"E" if digest.name == "sha384" else b"R"), "big"))
            .not_valid_before(datetime.datetime(2026, 1, 1, tzinfo=utc)).not_valid_after(datetime.datetime(2046, 1, 1, tzinfo=utc))
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
            .add_extension(x509.SubjectAlternativeName([x509.DirectoryName(native)]), False)
            .add_extension(x509.BasicConstraints(True, None), True)
            .add_extension(x509.CRLDistributionPoints([x509.DistributionPoint([x509.DirectoryName(name)], None, None, None)]), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, digest))

def people_keys():
    out = {"note": NOTE, "authorities": {}, "people": {}}
    for purpose in PURPOSES:
        for kind in ("rsa2048", "p384"):
            key = KINDS[kind]()
            name = f"{purpose}-{kind}"
            out["authorities"][name] = {"pkcs8": pkcs8(key), "certificate": f"ca-{name}.pem"}
            (HERE / f"ca-{name}.pem").write_bytes(authority(purpose, key).public_bytes(serialization.Encoding.PEM))
    for number in range(1, 11):
        person = {}
        for purpose in PURPOSES:
            person[purpose] = {}
            for kind, draw in KINDS.items():
                key = draw()
                person[purpose][kind] = {"pkcs8": pkcs8(key), "thumbprint": thumbprint(key)}
        out["people"][str(number)] = person
    write("keys.json", out)

def card_keys():
    """RSA-2048 all of them. Cards share one set, and so do municipalities: only the key identifiers differ."""
    write("card-keys.json", {"note": NOTE, "keys": {name: {"pkcs8": pkcs8(KINDS["rsa2048"]())} for name in CARD_KEYS}})

def check_digit(eleven):
    """The last digit of a My Number (ministerial ordinance): weights 2-7, 2-6 from the right, modulo 11."""
    rest = sum(int(digit) * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(reversed(eleven), 1)) % 11
    return "0" if rest <= 1 else str(11 - rest)

def my_number(number):
    """Person 1 counts up, the others have their own digit eleven times, the tenth counts down; then the check digit."""
    eleven = {1: "12345678901", 10: "10987654321"}.get(number, str(number) * 11)
    return eleven + check_digit(eleven)

def printed_text(text, width):
    """One line of text as cards carry it: a 1-bit PNG 12 dots high, as wide as asked for or as the text needs."""
    font = ImageFont.truetype(FONT, 12)
    image = Image.new("1", (max(width, -(-int(font.getlength(text)) // 8) * 8), 12), 1)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    draw.text((0, 0), text, font=font, fill=0)
    return encoded(image, "PNG", optimize=True)

def photo():
    """A plainly drawn head and shoulders, nobody's face, in the size and format of real photos."""
    scale, width, height = 2, 378, 472
    image = Image.new("L", (width * scale, height * scale))
    draw = ImageDraw.Draw(image)
    def ellipse(left, top, right, bottom, grey):
        draw.ellipse([value * scale for value in (left, top, right, bottom)], fill=grey)
    for y in range(height * scale):
        draw.line([(0, y), (width * scale, y)], fill=205 + 35 * y // (height * scale))
    ellipse(40, 350, 338, 640, 95)
    draw.rectangle([158 * scale, 300 * scale, 220 * scale, 385 * scale], fill=185)
    ellipse(79, 50, 299, 300, 60)
    ellipse(99, 85, 279, 345, 200)
    draw.pieslice([99 * scale, 60 * scale, 279 * scale, 215 * scale], 180, 360, fill=60)
    for x in (150, 228):
        ellipse(x - 16, 192, x + 16, 210, 245)
        ellipse(x - 8, 192, x + 8, 210, 40)
        draw.arc([(x - 22) * scale, 168 * scale, (x + 22) * scale, 200 * scale], 200, 340, fill=70, width=5 * scale)
    draw.line([(189 * scale, 205 * scale), (182 * scale, 250 * scale), (194 * scale, 252 * scale)], fill=150, width=4 * scale)
    draw.arc([155 * scale, 250 * scale, 223 * scale, 300 * scale], 25, 155, fill=90, width=6 * scale)
    return encoded(image.resize((width, height), Image.LANCZOS), "JPEG2000",
                   quality_mode="rates", quality_layers=[15], irreversible=True)

def encoded(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()

def printed():
    global Image, ImageDraw, ImageFont
    from PIL import Image, ImageDraw, ImageFont
    base64_of = lambda data: base64.b64encode(data).decode()
    out = {"note": "What is printed on each card: its number, and 1-bit PNG images of the texts.", "people": {}}
    for person in json.loads((HERE / "people.json").read_text())["people"]:
        number = my_number(person["number"])
        out["people"][str(person["number"])] = {
            "my_number": number,
            "name_image": base64_of(printed_text(person["name"], 216)),
            "address_image": base64_of(printed_text(person["address"], 288)),
            "security_code_image": base64_of(printed_text(person["security_code"], 24)),
            "my_number_image": base64_of(printed_text(number, 72)),
        }
    write("printed.json", out)
    (HERE / "photo.jp2").write_bytes(photo())

def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")

NOTE = "Synthetic test keys, published on purpose. Never use them for anything else."
FONT = "/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf"
CARD_KEYS = [
    # CV authorities, by the number in their key identifier.
    "9000033", "9000023", "9000020",
    # Municipalities: what TEXT 0004, FACE 0004 and the data object F8 certify; and the key below F8.
    "municipality-31", "municipality-21", "municipality-30", "0000050",
    # Inside every card: TEXT 0006 and 0013, FACE 001A, COMMON 0019.
    "text-0006", "text-0013", "face-001A", "common-0019",
]
PARTS = {"keys": people_keys, "card-keys": card_keys, "printed": printed}

if len(sys.argv) != 2 or sys.argv[1] not in PARTS:
    sys.exit(__doc__)
PARTS[sys.argv[1]]()
