"""Draws: small pictures of the asked shape, whose colour tells what was asked."""

import hashlib
import io

from PIL import Image

EDGE = {"512": 32, "1K": 64, "2K": 128, "4K": 256}


def drawn(told: bytes, ratio: str, size: str) -> bytes:
    """A PNG for what a request has told."""
    width, height = (int(part) for part in ratio.split(":"))
    edge = EDGE[size]
    scale = edge / max(width, height) * 2
    colour = hashlib.sha256(told).digest()
    image = Image.new("RGB", (max(8, round(width * scale)), max(8, round(height * scale))), tuple(colour[:3]))
    image.putpixel((0, 0), (colour[3], colour[4], colour[5]))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
