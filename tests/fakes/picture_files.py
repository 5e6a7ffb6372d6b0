"""Picture files as people and attackers send them: real ones, odd ones and hostile ones. All made here, none stored."""

import random
import struct
import zlib
from functools import cache
from io import BytesIO

from PIL import Image, ImageCms
from pillow_heif import from_pillow

SECRET = b"52.3702 N 4.8952 E, taken by Alice"
"""What no prepared picture may still carry."""

RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 200, 20), (20, 20, 230), (250, 250, 250)


def packed(image: Image.Image, kind: str, **options: object) -> bytes:
    """An image as a file of that kind, by Pillow's name for it, or HEIF."""
    out = BytesIO()
    if kind == "HEIF":
        from_pillow(image).save(out, **options)
    else:
        image.save(out, kind, **options)
    return out.getvalue()


def four_corners(width: int = 64, height: int = 32) -> Image.Image:
    """Red, green / blue, white: shows by its corners how it was turned and what became of its colours."""
    image = Image.new("RGB", (2, 2))
    for at, colour in zip(((0, 0), (1, 0), (0, 1), (1, 1)), (RED, GREEN, BLUE, WHITE), strict=True):
        image.putpixel(at, colour)
    return image.resize((width, height), Image.Resampling.NEAREST)


def noise(width: int, height: int, mode: str = "RGB", seed: int = 1) -> Image.Image:
    """A picture that nothing packs well."""
    return Image.frombytes(mode, (width, height), random.Random(seed).randbytes(width * height * len(mode)))


def soft_alpha(image: Image.Image) -> Image.Image:
    """The image, fading out to its edges."""
    faded = image.convert("RGBA")
    faded.putalpha(Image.radial_gradient("L").resize(image.size))
    return faded


def exif(orientation: int = 1) -> bytes:
    """Camera data with a place and a name in it."""
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x013B] = SECRET.decode()
    data.get_ifd(0x8825)[29] = "2026:01:01"
    return data.tobytes()


def swapping_profile() -> bytes:
    """A colour profile in which red and green have changed places, so that its use shows."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"?XYZ", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"?XYZ", b"gXYZ", 1)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    """A PNG by hand: `rows` are its filtered rows, `extra` further chunks."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + head + extra + body + png_chunk(b"IEND", b"")


def riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def with_right_checksums(data: bytes | bytearray) -> bytes:
    """A mutilated PNG with right checksums all the same, so that its wounds get through to a decoder."""
    mended, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        mended += data[at : at + 4] + (inside := data[at + 4 : at + 8 + length]) + struct.pack(">I", zlib.crc32(inside))
        at += 12 + length
    return bytes(mended)


def many_scans(count: int) -> bytes:
    """A JPEG of a million pixels that are refined, in the same way, so many times."""
    plain = packed(Image.new("L", (1000, 1000)), "JPEG", progressive=True)
    last = plain[plain.rindex(b"\xff\xda") : -2]
    return plain[:-2] + last * count + b"\xff\xd9"


def bmff_box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def claiming(heif: bytes, width: int, height: int) -> bytes:
    """A HEIC or AVIF whose boxes claim another size than its picture has."""
    at = heif.index(b"ispe") + 8
    return heif[:at] + struct.pack(">II", width, height) + heif[at + 8 :]


@cache
def real_files() -> dict[str, bytes]:
    """One good file of every kind that is taken."""
    image = four_corners()
    return {
        "png": packed(image, "PNG"),
        "jpeg": packed(image, "JPEG", quality=95),
        "webp": packed(image, "WEBP", quality=95),
        "lossless webp": packed(image, "WEBP", lossless=True),
        "gif": packed(image, "GIF"),
        "heic": packed(image, "HEIF", quality=95),
        "avif": packed(image, "AVIF", quality=95),
        "cmyk jpeg": packed(image.convert("CMYK"), "JPEG", quality=95),
        "grey jpeg": packed(image.convert("L"), "JPEG"),
        "palette png": packed(image.quantize(), "PNG"),
        "bilevel png": packed(image.convert("1"), "PNG"),
        "grey with alpha png": packed(soft_alpha(image).convert("LA"), "PNG"),
        "progressive jpeg": packed(image, "JPEG", progressive=True),
        "metadata jpeg": packed(image, "JPEG", exif=exif(6), comment=SECRET, icc_profile=swapping_profile()),
        "metadata heic": packed(image, "HEIF", exif=exif(6)),
        "metadata webp": packed(image, "WEBP", exif=exif(6), icc_profile=swapping_profile()),
        "metadata avif": packed(image, "AVIF", exif=exif(6), icc_profile=swapping_profile()),
    }


@cache
def long_animation() -> bytes:
    """A GIF of 500 frames."""
    frames = [Image.new("P", (320, 240), index % 256) for index in range(500)]
    return packed(frames[0], "GIF", save_all=True, append_images=frames[1:], optimize=False)


@cache
def hostile_files() -> dict[str, tuple[bytes, str]]:
    """Files to be refused, with the problem that they have to be refused for."""
    heic, webp, avif = (packed(noise(256, 192), kind) for kind in ("HEIF", "WEBP", "AVIF"))
    jpeg, large = packed(noise(640, 480), "JPEG"), packed(noise(640, 480), "PNG")
    huge_screen = bytearray(real_files()["gif"])
    huge_screen[6:10] = struct.pack("<HH", 65535, 65535)
    huge_jpeg = bytearray(jpeg)
    at = huge_jpeg.index(b"\xff\xc0") + 5
    huge_jpeg[at : at + 4] = struct.pack(">HH", 65000, 65000)
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\xfe\x3f\0" * 2 + webp[12:]
    return {
        "nothing": (b"", "empty"),
        "text": (b"a fox, please", "not_an_image"),
        "random bytes": (random.Random(7).randbytes(5000), "not_an_image"),
        "HTML": (b"\n<!-- a --><!DOCTYPE html><html><body>Sign in</body></html>", "not_an_image"),
        "HTML of comments": (b"<!-- -->" * 500 + b"<p>", "not_an_image"),
        "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "unsupported"),
        "SVG with a prologue": (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<svg width="9">', "unsupported"),
        "PDF": (b"%PDF-1.7\n1 0 obj", "unsupported"),
        "PDF that ends as a JPEG": (b"%PDF-1.7\n" + jpeg, "unsupported"),
        "HTML that ends as a PNG": (b"<html><script>/*" + large, "not_an_image"),
        "ZIP": (b"PK\x03\x04" + bytes(100), "unsupported"),
        "TIFF": (packed(four_corners(), "TIFF"), "unsupported"),
        "BMP": (packed(four_corners(), "BMP"), "unsupported"),
        "film": (bmff_box(b"ftyp", b"isom\0\0\0\0mp42avc1") + bytes(500), "unsupported"),
        "GIF that is a script": (b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)", "damaged"),
        "decompression bomb": (png(60_000, 60_000, bytes(1_000_000)), "too_many_pixels"),
        "1 pixel high, 100 megapixels": (png(100_000_000, 1, bytes(12_500_001), depth=1, colour=0), "too_many_pixels"),
        "1 pixel wide": (png(1, 30_000, bytes(4 * 30_000)), "too_many_pixels"),
        "GIF with a screen of 4 gigapixels": (bytes(huge_screen), "too_many_pixels"),
        "JPEG of 4 gigapixels": (bytes(huge_jpeg), "too_many_pixels"),
        "WebP with the largest canvas": (
            b"RIFF" + struct.pack("<I", len(canvas) + 4) + b"WEBP" + canvas,
            "too_many_pixels",
        ),
        "AVIF of 256 megapixels": (claiming(avif, 16_000, 16_000), "too_many_pixels"),
        "HEIC of 256 megapixels": (claiming(heic, 16_000, 16_000), "too_many_pixels"),
        "HEIC that claims to be larger than it is": (claiming(heic, 5_000, 5_000), "damaged"),
        "HEIC cut short": (heic[: len(heic) // 2], "damaged"),
        "HEIC without its end": (heic[:-200], "damaged"),
        "HEIC without more than its brand": (heic[:40], "damaged"),
        "AVIF cut short": (avif[: len(avif) // 2], "damaged"),
        "WebP cut short": (webp[: len(webp) // 2], "damaged"),
        "JPEG cut short": (jpeg[: len(jpeg) // 2], "damaged"),
        "PNG cut short": (large[: len(large) // 2], "damaged"),
        "GIF cut short": (real_files()["gif"][:-100], "damaged"),
        "PNG that promises more rows": (png(64, 64, bytes(64 * 3 * 10)), "damaged"),
        "PNG with packed rubbish": (real_files()["png"].replace(b"IDAT", b"IDAT\xff\xff", 1), "damaged"),
        "JPEG with 2000 scans": (many_scans(2000), "too_slow"),
        "only a PNG signature": (b"\x89PNG\r\n\x1a\n", "damaged"),
        "only a JPEG signature": (b"\xff\xd8\xff", "damaged"),
    }
