"""What becomes of a picture. The operations are called here; that they run elsewhere is tested with the workshop."""

import re
import time
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.pictures import Picture, PictureLimits, PictureProblem, PictureRefused
from core.pictures.encode import SMALL_BYTES, as_webp
from core.pictures.operations import fit_for_post, inspect_result, prepare_reference, thumbnail
from tests.fakes.picture_files import (
    BLUE,
    GREEN,
    RED,
    SECRET,
    WHITE,
    exif,
    four_corners,
    hostile_files,
    long_animation,
    noise,
    packed,
    png,
    png_chunk,
    real_files,
    soft_alpha,
    swapping_profile,
)

LIMITS = PictureLimits()
UPRIGHT, QUARTER_TURN = (RED, GREEN, BLUE, WHITE), (BLUE, RED, WHITE, GREEN)
SWAPPED_QUARTER_TURN = (BLUE, GREEN, WHITE, RED)
"""The corners, row by row; a quarter turn clockwise is what orientation 6 asks for, the profile swaps two colours."""


def opened(picture: Picture) -> Image.Image:
    return Image.open(BytesIO(picture.data))


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    levels = image.getpixel((x, y))
    assert isinstance(levels, tuple)
    return levels


def corners(picture: Picture) -> list[tuple[int, ...]]:
    image = opened(picture).convert("RGB")
    right, bottom = image.width - 4, image.height - 4
    return [pixel(image, x, y) for x, y in ((3, 3), (right, 3), (3, bottom), (right, bottom))]


def assert_looks_like(picture: Picture, colours: tuple[tuple[int, int, int], ...], tolerance: int = 30) -> None:
    for seen, meant in zip(corners(picture), colours, strict=True):
        assert all(abs(one - other) <= tolerance for one, other in zip(seen, meant, strict=True)), (seen, meant)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "lossless webp", "gif", "heic", "avif", "progressive jpeg"])
def test_every_kind_becomes_a_png_or_jpeg_that_looks_the_same(kind: str) -> None:
    picture = prepare_reference(real_files()[kind], LIMITS)
    assert picture.media_type in {"image/png", "image/jpeg"}
    assert (picture.width, picture.height) == opened(picture).size == (64, 32)
    assert_looks_like(picture, UPRIGHT)


@pytest.mark.parametrize("kind", ["cmyk jpeg", "palette png"])
def test_odd_colour_modes_keep_their_colours(kind: str) -> None:
    picture = prepare_reference(real_files()[kind], LIMITS)
    assert opened(picture).mode != "CMYK"
    assert_looks_like(picture, UPRIGHT)


@pytest.mark.parametrize("kind", ["png", "jpeg", "grey jpeg", "palette png", "progressive jpeg"])
def test_a_bare_png_or_jpeg_is_not_touched(kind: str) -> None:
    assert prepare_reference(real_files()[kind], LIMITS).data is real_files()[kind]


@pytest.mark.parametrize("kind", ["metadata jpeg", "metadata heic", "metadata webp", "metadata avif"])
def test_a_photo_is_turned_upright_and_its_metadata_removed(kind: str) -> None:
    photo = real_files()[kind]
    picture = prepare_reference(photo, LIMITS)
    assert SECRET in photo
    assert SECRET not in picture.data
    assert not opened(picture).getexif()
    assert "icc_profile" not in opened(picture).info
    assert (picture.width, picture.height) == (32, 64)
    assert_looks_like(picture, QUARTER_TURN if kind == "metadata heic" else SWAPPED_QUARTER_TURN, tolerance=50)


@pytest.mark.parametrize(
    "photo",
    [
        packed(four_corners(), "JPEG", comment=SECRET),
        packed(four_corners(), "PNG", icc_profile=SECRET * 9),
        packed(four_corners(), "WEBP", xmp=SECRET),
        packed(four_corners(), "GIF", comment=SECRET),
        packed(four_corners(), "HEIF", xmp=SECRET),
    ],
)
def test_words_beside_an_upright_picture_are_removed(photo: bytes) -> None:
    picture = prepare_reference(photo, LIMITS)
    assert SECRET not in picture.data
    assert not opened(picture).info.keys() & {"comment", "icc_profile", "xmp", "exif"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_applied(orientation: int) -> None:
    stored = four_corners()
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    turned = stored.transpose(Image.Transpose(undo[orientation])) if orientation in undo else stored
    picture = prepare_reference(packed(turned, "PNG", exif=exif(orientation)), LIMITS)
    assert_looks_like(picture, UPRIGHT, tolerance=0)
    assert SECRET not in picture.data


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_makes_no_sense_is_ignored(orientation: int) -> None:
    picture = prepare_reference(packed(four_corners(), "PNG", exif=exif(orientation)), LIMITS)
    assert_looks_like(picture, UPRIGHT, tolerance=0)


def test_an_orientation_in_words_is_ignored() -> None:
    words = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x02x\0\0\0\0\0\0\0"
    picture = prepare_reference(packed(four_corners(), "PNG", exif=words), LIMITS)
    assert_looks_like(picture, UPRIGHT, tolerance=0)


def test_broken_metadata_does_not_spoil_the_picture() -> None:
    rubbish = b"Exif\0\0MM\0*" + b"\xff" * 60
    picture = prepare_reference(packed(four_corners(), "JPEG", exif=rubbish, icc_profile=b"no profile" * 20), LIMITS)
    assert_looks_like(picture, UPRIGHT, tolerance=90)


def test_a_profile_of_another_colour_space_is_ignored() -> None:
    grey = packed(four_corners().convert("L"), "JPEG", icc_profile=swapping_profile())
    assert opened(prepare_reference(grey, LIMITS)).size == (64, 32)


@pytest.mark.parametrize(
    "hidden",
    [
        png_chunk(b"tEXt", b"Comment\0" + SECRET),
        png_chunk(b"eXIf", b"MM\0*" + SECRET),
        png_chunk(b"teSt", SECRET),
    ],
)
def test_a_png_with_more_than_a_picture_is_packed_anew(hidden: bytes) -> None:
    picture = prepare_reference(png(2, 1, b"\0\xff\0\0\0\xff\0", extra=hidden), LIMITS)
    assert SECRET not in picture.data
    assert [pixel(opened(picture), x, 0) for x in (0, 1)] == [(255, 0, 0), (0, 255, 0)]


def test_a_png_without_its_end_is_a_picture_all_the_same_and_gets_one() -> None:
    for data in (real_files()["png"][:-12], png(1, 1, b"\0\1\2\3", extra=png_chunk(b"tEXt", b"a\0b"))[:-12]):
        assert prepare_reference(data, LIMITS).data.endswith(real_files()["png"][-12:])


def test_a_jpeg_with_a_preview_in_its_head_is_packed_anew() -> None:
    preview = b"JFIF\0\1\1\0\0\1\0\1\1\1" + b"\7\7\7"
    head = b"\xff\xd8\xff\xe0" + (len(preview) + 2).to_bytes(2) + preview
    picture = prepare_reference(head + real_files()["jpeg"][20:], LIMITS)
    assert preview not in picture.data
    assert_looks_like(picture, UPRIGHT)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_what_hides_behind_the_end_of_a_picture_is_left_behind(kind: str) -> None:
    picture = prepare_reference(real_files()[kind] + b"PK\x03\x04" + SECRET, LIMITS)
    assert SECRET not in picture.data
    assert_looks_like(picture, UPRIGHT)


def test_a_png_with_a_whole_workflow_in_its_text_is_still_a_picture() -> None:
    essay = png_chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(90_000_000)))
    assert prepare_reference(png(1, 1, b"\0\1\2\3", extra=essay), LIMITS).width == 1


def test_sixteen_bit_grey_keeps_its_middle() -> None:
    rows = b"".join(b"\0" + b"".join(level.to_bytes(2) for level in (0, 0x8000, 0xFFFF)) for _ in range(2))
    picture = prepare_reference(png(3, 2, rows, depth=16, colour=0), LIMITS)
    assert [pixel(opened(picture), x, 0) for x in range(3)] == [(0,) * 3, (128,) * 3, (255,) * 3]


def test_sixteen_bit_colour_becomes_eight() -> None:
    rows = b"\0" + b"".join(level.to_bytes(2) for level in (0xFFFF, 0x8000, 0))
    picture = prepare_reference(png(1, 1, rows, depth=16), LIMITS)
    assert pixel(opened(picture), 0, 0) == (255, 128, 0)
    assert len(picture.data) < 100


def test_a_palette_with_transparency_stays_transparent() -> None:
    image = four_corners().quantize()
    image.info["transparency"] = image.getpixel((0, 0))
    picture = prepare_reference(packed(image, "GIF"), LIMITS)
    assert picture.media_type == "image/png"
    assert pixel(opened(picture).convert("RGBA"), 0, 0)[3] == 0
    assert pixel(opened(picture).convert("RGBA"), 63, 31) == (*WHITE, 255)


def test_transparency_that_is_nowhere_to_be_seen_is_dropped() -> None:
    picture = prepare_reference(packed(four_corners().convert("RGBA"), "PNG", exif=exif()), LIMITS)
    assert opened(picture).mode == "RGB"


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "PA"])
def test_few_colours_and_greys_look_the_same_after(mode: str) -> None:
    image = four_corners().convert(mode.rstrip("A"))
    image = image.convert(mode) if mode != "PA" else image
    picture = prepare_reference(packed(image, "PNG", exif=exif()), LIMITS)
    assert opened(picture).convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_only_the_first_frame_of_an_animation_is_taken() -> None:
    picture = prepare_reference(long_animation(), LIMITS)
    assert (picture.media_type, picture.width, picture.height) == ("image/png", 320, 240)
    assert not getattr(opened(picture), "is_animated", False)


def test_the_same_picture_always_gets_the_same_digest() -> None:
    one, other = (prepare_reference(real_files()["heic"], LIMITS) for _ in range(2))
    assert one == other
    assert re.fullmatch("[0-9a-f]{64}", one.digest)


@pytest.mark.parametrize("max_bytes", [400_000, 150_000, 40_000, 9_000])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_that_is_too_heavy_is_fitted(kind: str, max_bytes: int) -> None:
    picture = prepare_reference(packed(noise(800, 600), kind), PictureLimits(max_bytes_out=max_bytes))
    assert len(picture.data) <= max_bytes
    assert picture.media_type == "image/jpeg"
    assert abs(picture.width * 600 - picture.height * 800) <= 800


def test_quality_is_given_up_before_size() -> None:
    picture = prepare_reference(packed(noise(800, 600), "PNG"), PictureLimits(max_bytes_out=400_000))
    assert (picture.width, picture.height) == (800, 600)


def test_a_screenshot_that_fits_loses_not_a_pixel() -> None:
    image = noise(300, 200)
    picture = prepare_reference(packed(image, "PNG", exif=exif()), LIMITS)
    assert opened(picture).tobytes() == image.tobytes()


def test_a_large_transparent_picture_is_shrunk_and_stays_transparent() -> None:
    picture = prepare_reference(packed(soft_alpha(noise(2600, 1000)), "PNG"), PictureLimits(max_bytes_out=7_500_000))
    assert picture.media_type == "image/png"
    assert 2048 <= picture.width < 2600
    assert opened(picture).getchannel("A").getextrema() != (255, 255)


def test_a_transparent_picture_that_cannot_stay_so_is_put_on_white() -> None:
    picture = prepare_reference(packed(soft_alpha(noise(800, 600)), "PNG"), PictureLimits(max_bytes_out=200_000))
    assert picture.media_type == "image/jpeg"
    assert min(pixel(opened(picture), picture.width // 2, picture.height // 2)) > 200


@settings(max_examples=25, deadline=None)
@given(
    width=st.integers(1, 1500),
    height=st.integers(1, 300),
    upright=st.booleans(),
    transparent=st.booleans(),
    max_bytes=st.integers(SMALL_BYTES, 200_000),
)
def test_whatever_is_taken_can_be_made_to_fit(
    width: int, height: int, upright: bool, transparent: bool, max_bytes: int
) -> None:
    size = (height, width) if upright else (width, height)
    data = packed(noise(*size, "RGBA" if transparent else "RGB"), "PNG", compress_level=1)
    for operation in (prepare_reference, fit_for_post):
        assert len(operation(data, PictureLimits(max_bytes_out=max_bytes)).data) <= max_bytes


@pytest.mark.parametrize("name", hostile_files())
def test_a_hostile_file_is_refused_for_what_it_is(name: str) -> None:
    data, problem = hostile_files()[name]
    for operation in (prepare_reference, inspect_result, fit_for_post, thumbnail):
        with pytest.raises(PictureRefused) as refused:
            operation(data, LIMITS)
        assert refused.value.problem == problem


def test_a_png_of_a_palette_that_is_not_there_is_refused() -> None:
    with pytest.raises(PictureRefused) as refused:
        prepare_reference(png(1, 1, b"\0\0", colour=3, extra=png_chunk(b"tEXt", b"a\0b")), LIMITS)
    assert refused.value.problem is PictureProblem.DAMAGED


@pytest.mark.parametrize(
    ("name", "found"), [("SVG", "SVG"), ("PDF", "PDF"), ("film", "video"), ("HTML", "HTML"), ("text", "")]
)
def test_a_refusal_says_what_was_found_instead(name: str, found: str) -> None:
    with pytest.raises(PictureRefused) as refused:
        prepare_reference(hostile_files()[name][0], LIMITS)
    assert refused.value.found == found


def test_more_bytes_than_allowed_are_refused_before_anything_is_read() -> None:
    with pytest.raises(PictureRefused) as refused:
        prepare_reference(real_files()["png"], PictureLimits(max_bytes_in=100))
    assert refused.value.problem is PictureProblem.TOO_LARGE_BYTES


@pytest.mark.parametrize("kind", real_files())
def test_a_result_is_inspected_and_not_changed(kind: str) -> None:
    data = real_files()[kind]
    picture = inspect_result(data, LIMITS)
    assert picture.data is data
    assert {picture.width, picture.height} == {64, 32}
    assert (picture.width < picture.height) == kind.startswith("metadata")


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "heic", "avif", "gif"])
@pytest.mark.parametrize("lost", [0.9, 0.5, 0.2])
def test_a_result_that_was_cut_short_is_refused(kind: str, lost: float) -> None:
    data = real_files()[kind]
    with pytest.raises(PictureRefused):
        inspect_result(data[: int(len(data) * (1 - lost))], LIMITS)


@pytest.mark.parametrize("kind", ["png", "jpeg", "progressive jpeg", "webp", "lossless webp"])
@pytest.mark.parametrize("lost", [1, 2, 4, 12, 13])
def test_a_result_that_lacks_its_last_bytes_is_refused(kind: str, lost: int) -> None:
    with pytest.raises(PictureRefused) as refused:
        inspect_result(real_files()[kind][:-lost], LIMITS)
    assert refused.value.problem is PictureProblem.DAMAGED


@pytest.mark.parametrize("at", [1000, -1, -13])
def test_a_png_result_with_one_wrong_bit_is_refused(at: int) -> None:
    data = bytearray(packed(noise(40, 40), "PNG", compress_level=0))
    data[at] ^= 1
    with pytest.raises(PictureRefused) as refused:
        inspect_result(bytes(data), LIMITS)
    assert refused.value.problem is PictureProblem.DAMAGED


def test_a_result_that_fits_is_posted_as_it_is() -> None:
    assert fit_for_post(real_files()["png"], LIMITS).data is real_files()["png"]


@pytest.mark.parametrize("max_bytes", [600_000, 60_000])
def test_a_result_that_is_too_heavy_is_posted_as_jpeg(max_bytes: int) -> None:
    picture = fit_for_post(packed(noise(800, 600), "PNG"), PictureLimits(max_bytes_out=max_bytes))
    assert picture.media_type == "image/jpeg"
    assert max_bytes / 4 < len(picture.data) <= max_bytes


def test_a_transparent_result_that_is_too_heavy_stays_transparent() -> None:
    picture = fit_for_post(packed(soft_alpha(noise(400, 300)), "PNG"), PictureLimits(max_bytes_out=90_000))
    assert picture.media_type == "image/webp"
    assert len(picture.data) <= 90_000
    assert opened(picture).mode == "RGBA"


def test_a_heavy_transparent_result_is_fitted_in_the_time_of_few_attempts() -> None:
    image = noise(1400, 1400, "RGBA")
    data, limits = packed(image, "PNG", compress_level=1), PictureLimits(max_bytes_out=100_000)
    began = time.process_time()
    as_webp(image)
    once, began = time.process_time() - began, time.process_time()
    assert opened(fit_for_post(data, limits)).mode == "RGBA"
    assert time.process_time() - began < 4 * once


def test_a_transparent_result_with_a_longer_side_than_webp_knows_is_fitted() -> None:
    picture = fit_for_post(packed(noise(17_000, 40, "RGBA"), "PNG"), PictureLimits(max_bytes_out=500_000))
    assert opened(picture).mode == "RGBA"


def test_a_thumbnail_is_small_and_upright() -> None:
    picture = thumbnail(real_files()["metadata heic"], PictureLimits(max_side_out=16))
    assert (picture.width, picture.height) == opened(picture).size == (8, 16)


def test_a_thumbnail_never_enlarges_and_keeps_transparency() -> None:
    picture = thumbnail(packed(soft_alpha(four_corners()), "PNG"), PictureLimits(max_side_out=500))
    assert (picture.media_type, picture.width) == ("image/png", 64)


def test_a_picture_does_not_print_its_bytes() -> None:
    assert "data" not in repr(inspect_result(real_files()["png"], LIMITS))
