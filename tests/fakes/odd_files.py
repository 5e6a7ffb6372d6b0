"""More picture files as people and attackers send them: foreign kinds, endless ones, and odd ones that are fine."""

import struct
import zlib
from functools import cache

from PIL import Image
from pillow_heif import from_pillow

from tests.fakes.picture_files import (
    SECRET,
    exif,
    four_corners,
    long_animation,
    many_scans,
    noise,
    packed,
    png,
    png_chunk,
    real_files,
    riff,
    soft_alpha,
    swapping_profile,
)

PARTS = 30_000
"""So many parts no honest file has. With millions, which fit in what people may send, a decoder takes half a minute."""


@cache
def foreign_files() -> dict[str, tuple[bytes, str]]:
    """Files of other kinds, with the problem that they have to be refused for. None of their decoders is ever begun."""
    tiff = packed(four_corners(), "TIFF", save_all=True, append_images=[four_corners()] * 3)
    looping = b"II*\0\x08\0\0\0" + b"\1\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    return {
        "TIFF of four pages": (tiff, "unsupported"),
        "TIFF whose directory leads to itself": (looping, "unsupported"),
        "BigTIFF": (b"II+\0\x08\0\0\0" + bytes(16), "unsupported"),
        "ICO": (packed(four_corners(32, 32), "ICO"), "unsupported"),
        "PSD": (b"8BPS\0\1" + bytes(200), "unsupported"),
        "JPEG 2000": (packed(four_corners(), "JPEG2000"), "unsupported"),
        "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n", "unsupported"),
        "EPS for DOS": (b"\xc5\xd0\xd3\xc6" + bytes(200), "unsupported"),
        "film of a telephone (MOV)": (b"\0\0\0\x14ftypqt  \0\0\2\0qt  " + bytes(500), "unsupported"),
        "Matroska": (b"\x1aE\xdf\xa3" + bytes(200), "unsupported"),
        "XBM": (b"#define x_width 9999999\n#define x_height 9999999\nstatic char x_bits[] = {\n0x00", "not_an_image"),
        "PPM of 10 gigapixels": (b"P6 99999 99999 255\n", "not_an_image"),
        "JSON": (b'{"error": "not found"}', "not_an_image"),
        "a shell script": (b"#!/bin/sh\nrm -rf /\n", "not_an_image"),
    }


@cache
def endless_files() -> dict[str, tuple[bytes, str]]:
    """Few pixels and work without end, with the problem that they have to be refused for."""
    drawn, photo, moving = (real_files()[kind] for kind in ("png", "jpeg", "gif"))
    table = 13 + (3 << (moving[10] & 7) + 1)
    wrong = bytearray(drawn)
    wrong[drawn.index(b"IDAT") + 10] ^= 1
    profile = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(20_000_000), 9))
    chunks = {"empty": b"IDAT", "unknown": b"teSt", "text": b"tEXt"}
    return {
        **{
            f"PNG of {name} chunks": (drawn[:33] + png_chunk(kind, b"") * PARTS + drawn[33:], "too_slow")
            for name, kind in chunks.items()
        },
        "JPEG of comments": (photo[:2] + b"\xff\xfe\0\2" * PARTS + photo[2:], "too_slow"),
        "JPEG of empty camera data": (photo[:2] + b"\xff\xe1\0\2" * PARTS + photo[2:], "too_slow"),
        "JPEG with filling": (photo[:2] + b"\xff" * PARTS + photo[2:], "too_slow"),
        "JPEG with zeros between its parts": (photo[:20] + bytes(PARTS) + photo[20:], "too_slow"),
        "JPEG of restarts": (photo[:2] + b"\xff\xd0" * PARTS + photo[2:], "too_slow"),
        "GIF with a comment of single letters": (
            moving[:table] + b"!\xfe" + b"\1a" * PARTS + b"\0" + moving[table:],
            "too_slow",
        ),
        "GIF of empty extensions": (moving[:table] + b"!\xf9\4\0\0\0\0\0" * PARTS + moving[table:], "too_slow"),
        "GIF with zeros before its frame": (moving[:table] + bytes(PARTS) + moving[table:], "too_slow"),
        "PNG with a wrong checksum": (bytes(wrong), "damaged"),
        "PNG with a colour profile of 20 MB": (png(64, 32, bytes(193 * 32), extra=profile), "damaged"),
    }


@cache
def odd_files() -> dict[str, tuple[bytes, tuple[int, int]]]:
    """Odd files that are pictures all the same, with the size that a person sees."""
    image, (wide, high) = four_corners(), (64, 32)
    size = (wide, high)
    drawn, photo = real_files()["png"], real_files()["jpeg"]
    frames = {"save_all": True, "append_images": [four_corners(), noise(64, 32)]}
    words = b"x\0\0" + zlib.compress(bytes(20_000_000), 9)
    rows = bytes((wide * 3 + 1) * high)
    return {
        "PNG that is a ZIP": (drawn + b"PK\3\4" + bytes(300), size),
        "JPEG that is a web page": (photo + b"<html><script>alert(1)</script></html>", size),
        "GIF of 500 frames": (long_animation(), (320, 240)),
        "animated WebP": (packed(image, "WEBP", **frames), size),
        "animated PNG": (packed(image, "PNG", **frames), size),
        "animated AVIF": (packed(image, "AVIF", **frames), size),
        "several pictures in one HEIC": (
            packed(image, "HEIF", save_all=True, append_images=[*from_pillow(four_corners())]),
            size,
        ),
        "photo on its side": (packed(image, "JPEG", exif=exif(6)), (high, wide)),
        "HEIC photo on its side": (packed(image, "HEIF", exif=exif(8)), (high, wide)),
        "JPEG in CMYK": (real_files()["cmyk jpeg"], size),
        "PNG of 16 bits grey": (packed(Image.new("I;16", size, 30_000), "PNG"), size),
        "PNG of 16 bits colour": (png(wide, high, bytes((wide * 6 + 1) * high), depth=16), size),
        "palette with transparency": (packed(soft_alpha(image).quantize(), "PNG"), size),
        "colour profile": (packed(image, "JPEG", icc_profile=swapping_profile()), size),
        "colour profile that is none": (packed(image, "JPEG", icc_profile=b"\0" * 60_000), size),
        "camera data of 64 KB": (packed(image, "JPEG", exif=exif() + bytes(60_000)), size),
        "text of 20 MB, packed (zTXt)": (png(wide, high, rows, extra=png_chunk(b"zTXt", words)), size),
        "text of 20 MB, packed (iTXt)": (png(wide, high, rows, extra=png_chunk(b"iTXt", b"x\0\1\0\0" + words)), size),
        "more pixels than it says": (png(wide, high, bytes(20_000_000)), size),
        "WebP of rubbish chunks": (riff(real_files()["webp"][12:] + b"JUNK\0\0\0\0" * PARTS), size),
        "JPEG with 90 scans": (many_scans(90), (1000, 1000)),
        "one pixel": (packed(Image.new("RGB", (1, 1)), "PNG"), (1, 1)),
        "1 pixel high, 20,000 wide": (packed(Image.new("L", (20_000, 1)), "PNG"), (20_000, 1)),
        "25 megapixels in 100 KB": (png(5000, 5000, bytes(20_001 * 5000), colour=6), (5000, 5000)),
        "words in its comment": (packed(image, "JPEG", comment=SECRET), size),
    }
