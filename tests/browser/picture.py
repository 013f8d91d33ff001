"""The README's picture of the sandbox's page, which knows what it was taken of."""

import hashlib
import struct
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURES = {False: ROOT / "docs/sandbox.png", True: ROOT / "docs/sandbox-dark.png"}
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"Source\x00"
# What the page looks like depends on; fonts and ids differ from machine to machine and run to run, and are left out.
SOURCES = ("sandbox/page/*.py", "sandbox/page/templates/*", "sandbox/page/static/*", "sandbox/demo_steps.py")


def digest():
    """Of all that the picture depends on."""
    files = sorted(file for pattern in SOURCES for file in ROOT.glob(pattern))
    said = "".join(f"{file.relative_to(ROOT)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in files)
    return hashlib.sha256(said.encode()).hexdigest()


def taken_of(file):
    """The digest that a picture carries; none where there is no picture."""
    found = [body for kind, body in _chunks(file.read_bytes()) if kind == b"tEXt"] if file.exists() else []
    return next((body.removeprefix(KEYWORD).decode() for body in found if body.startswith(KEYWORD)), None)


def keep(file, png):
    """Write it with the digest in a text chunk, its pixels packed tight."""
    pixels, chunks = b"", []
    for kind, body in _chunks(png):
        pixels += body if kind == b"IDAT" else b""
        chunks += [(kind, body)] if kind not in (b"IDAT", b"IEND") else []
    packed = zlib.compress(_unfiltered(zlib.decompress(pixels), dict(chunks)[b"IHDR"]), 9)
    chunks += [(b"tEXt", KEYWORD + digest().encode()), (b"IDAT", packed), (b"IEND", b"")]
    file.write_bytes(SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks))


def _unfiltered(data, header):
    """Each row as it is (PNG, 9.2): flat colours pack a third smaller so than with chromium's filters."""
    size = 4 if header[9] == 6 else 3
    stride = struct.unpack(">I", header[:4])[0] * size
    before, rows = bytearray(stride), []
    for at in range(0, len(data), stride + 1):
        row, predicted = bytearray(data[at + 1 : at + 1 + stride]), PREDICTED[data[at]]
        for x in range(stride) if predicted else ():
            left, corner = (row[x - size], before[x - size]) if x >= size else (0, 0)
            row[x] = (row[x] + predicted(left, before[x], corner)) & 255
        rows.append(b"\x00" + row)
        before = row
    return b"".join(rows)


def _paeth(left, up, corner):
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


PREDICTED = (None, lambda left, up, corner: left, lambda left, up, corner: up,
             lambda left, up, corner: (left + up) // 2, _paeth)


def _chunks(png):
    at = len(SIGNATURE)
    while at < len(png):
        [length] = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
