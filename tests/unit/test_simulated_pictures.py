"""The simulated service's pictures, and the histories that lead from one to the next."""

import copy
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from core.providers.simulated.drawing.colours import MOODS
from core.providers.simulated.drawing.mark import mark
from core.providers.simulated.drawing.stamps import motifs, stamp
from core.providers.simulated.drawing.studies import Sketch, draw
from core.providers.simulated.drawing.words import vocabulary
from core.providers.simulated.settings import (
    ASPECT_RATIOS,
)
from tests.fakes.image_caller import PRO, QUICK, Caller, distance, filled_in, pixels_of, png, serving

Spoil: TypeAlias = Callable[[list[dict[str, Any]]], object]
SPOILS: dict[str, Spoil] = {
    "other words": lambda turns: turns[0]["parts"][0].update(text="a wolf"),
    "no token": lambda turns: turns[0].pop("turnToken"),
    "no signature on the words": lambda turns: turns[0]["parts"][0].pop("thoughtSignature"),
    "no signature on the picture": lambda turns: turns[1]["parts"][0].pop("thoughtSignature"),
    "a fuller list": lambda turns: turns[1]["x-context"]["spans"].append(1),
    "a rounded number": lambda turns: turns[1]["x-context"].update(serial=float(turns[1]["x-context"]["serial"])),
    "no null": lambda turns: turns[1]["x-context"].pop("grounding"),
    "no first turn": lambda turns: turns.pop(0),
    "two turns of a person": lambda turns: turns.insert(2, {"role": "user", "parts": [{"text": "and"}]}),
}


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with serving() as made:
        yield made


class TestMultiTurn:
    async def test_a_history_goes_back_untouched_and_grows(self, caller: Caller) -> None:
        first = await caller.made("a fox")
        second = await caller.made(contents=filled_in(first, "make it snow"))
        history = second["outcome"]["next_turn_contents"]
        assert history[:2] == first["outcome"]["next_turn_contents"][:2]
        assert [turn["role"] for turn in history] == ["user", "model", "user", "model", "user"]
        assert history[2]["parts"][0]["text"] == "make it snow"
        assert history[3]["parts"][0]["fileData"]["fileUri"] == second["outcome"]["media_urls"][0]["url"]
        assert history[4]["parts"] == [{"text": ""}, {"fileData": {"fileUri": "", "mimeType": ""}}]

    async def test_two_branches_leave_from_one_picture(self, caller: Caller) -> None:
        first = await caller.made("a fox")
        for text in ("make it snow", "make it night"):
            assert (await caller.made(contents=filled_in(first, text)))["status"] == "success"

    async def test_placeholders_that_stay_empty_are_dropped(self, caller: Caller) -> None:
        contents = copy.deepcopy((await caller.made("a fox"))["outcome"]["next_turn_contents"])
        contents[-1]["parts"][0]["text"] = "make it snow"
        second = await caller.made(contents=contents)
        assert len(second["outcome"]["next_turn_contents"][2]["parts"]) == 1

    @pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
    async def test_a_history_that_was_touched_is_rejected(self, caller: Caller, spoil: Spoil) -> None:
        contents = filled_in(await caller.made("a fox"), "make it snow")
        spoil(contents)
        answer = await caller.submit(contents=contents)
        assert answer.status_code == 400
        assert "Invalid contents" in answer.json()["error"]

    async def test_with_contents_prompt_and_image_are_ignored(self, caller: Caller) -> None:
        contents = filled_in(await caller.made("a fox"), "make it snow")
        record = await caller.made(contents=contents, image=["nonsense"])
        assert record["status"] == "success"
        assert caller.service.records[-1].prompt == "make it snow"

    async def test_an_edit_shows_the_picture_before_and_the_new_references(self, caller: Caller) -> None:
        first = await caller.made("a fox", aspect_ratio="16:9")
        before = await caller.picture(first)
        link = await caller.upload(png((255, 0, 255), (400, 300)))
        framed = await caller.made(contents=filled_in(first, "zzz", link))
        after = await caller.picture(framed)
        assert after.size == before.size, "the shape is kept"
        assert distance(before, after) < 60, "it is built on the picture before"
        magenta = [pixel for pixel in pixels_of(after) if pixel[0] > 240 and pixel[1] < 30 and pixel[2] > 240]
        assert magenta, "the reference is in it"

    async def test_an_edit_without_placeholder_or_with_a_rewritten_history_goes_on(self) -> None:
        rewriting = replace(QUICK, placeholder_turn=False, rewrites_history=True)
        async with serving(rewriting) as caller:
            first = await caller.made("a fox")
            history = first["outcome"]["next_turn_contents"]
            assert history[-1]["role"] == "model"
            second = await caller.made(contents=[*history, {"role": "user", "parts": [{"text": "make it snow"}]}])
            told = second["outcome"]["next_turn_contents"]
            assert told[0]["turnToken"] != history[0]["turnToken"]
            third = await caller.made(contents=[*told, {"role": "user", "parts": [{"text": "and night"}]}])
        assert third["status"] == "success"


class TestPictures:
    @pytest.mark.parametrize(("ratio", "size"), ASPECT_RATIOS.items())
    async def test_they_have_the_size_of_their_shape(self, ratio: str, size: tuple[int, int]) -> None:
        async with serving(replace(QUICK, scale=0.25)) as caller:
            picture = await caller.picture(await caller.made("a lighthouse at dusk", aspect_ratio=ratio))
        assert picture.size == (size[0] // 4, size[1] // 4)

    async def test_a_larger_size_and_jpeg_are_given_where_they_are_taken(self, caller: Caller) -> None:
        record = await caller.made("a fox", PRO, image_size="2K", image_output_format="jpeg")
        answer = await caller.http.get(record["outcome"]["media_urls"][0]["url"])
        picture = Image.open(io.BytesIO(answer.content))
        assert (picture.format, picture.size, answer.headers["Content-Type"]) == ("JPEG", (128, 128), "image/jpeg")

    async def test_prompts_and_repetitions_look_different_and_links_always_the_same(self, caller: Caller) -> None:
        prompts = ("a fox", "a fox", "a lighthouse at dusk", "neon city", "xyzzy", "forest in the snow")
        records = [await caller.made(prompt) for prompt in prompts]
        pictures = [await caller.picture(record) for record in records]
        for index, one in enumerate(pictures):
            assert all(distance(one, other) > 5 for other in pictures[index + 1 :])
        assert distance(await caller.picture(records[0]), pictures[0]) == 0

    async def test_a_picture_that_was_thrown_away_is_drawn_again_the_same(self) -> None:
        async with serving(replace(QUICK, max_stored_bytes=1)) as caller:
            first = await caller.made("a fox")
            before = await caller.picture(first)
            second = await caller.made(contents=filled_in(first, "make it snow"))
            await caller.picture(await caller.made("another"))
            assert (await caller.picture(second)).size == before.size
            assert distance(await caller.picture(first), before) == 0


def drawn(prompt: str, base: bytes | None = None, *references: bytes, seed: int = 1) -> bytes:
    return draw(Sketch(prompt, seed, {"aspect_ratio": "3:2"}, scale=0.1, base=base, references=references))


def image_box(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int]:
    """Where two pictures differ."""
    box = ImageChops.difference(before, after).getbbox()
    assert box
    return box


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


class TestDrawing:
    @pytest.mark.parametrize(
        "words",
        [
            "night",
            "snow",
            "rain",
            "storm",
            "fog",
            "sunset",
            "autumn",
            "monochrome",
            "vintage",
            "closer",
            "wider",
            "brighter",
            "darker",
            "mirror",
            "blur",
            "vivid",
            "painting",
            "neon",
            "aurora",
            "frame",
            "blue",
            "boat",
            "fox",
            "crown",
        ],
    )
    def test_every_change_is_seen_and_the_picture_before_too(self, words: str) -> None:
        before = drawn("a fox in the forest, day")
        after = opened(drawn(f"make it {words}", before))
        assert after.size == opened(before).size
        assert distance(opened(before), after) > 1
        other = opened(drawn(f"make it {words}", drawn("a lighthouse at dusk")))
        assert distance(other, after) > 5, "what it was made from still shows"

    @pytest.mark.parametrize(
        "prompt",
        ["the sea", "a city", "dunes", "mountains", "a forest", "outer space", "a night", "northern lights", "a storm"],
    )
    def test_every_scenery_can_be_drawn_in_every_shape(self, prompt: str) -> None:
        for ratio in ASPECT_RATIOS:
            data = draw(Sketch(prompt, 3, {"aspect_ratio": ratio}, scale=0.05))
            assert len(set(pixels_of(opened(data)))) > 50

    @pytest.mark.parametrize("name", motifs())
    def test_every_motif_can_be_put_anywhere(self, name: str) -> None:
        before = Image.new("RGB", (200, 200), (120, 120, 120))
        for flip in (True, False):
            image = before.copy()
            stamp(image, motifs()[name], (100, 160), 100, light=(0, 0, 0), shade=0.2, flip=flip)
            left, top, right, bottom = image_box(before, image)
            assert right - left > 20
            assert bottom - top > 20

    def test_every_word_stands_for_something_that_can_be_drawn(self) -> None:
        known = vocabulary()
        assert set(known["motifs"].values()) <= set(motifs())
        assert set(known["moods"].values()) <= set(MOODS)

    def test_a_reference_alone_is_edited_when_the_words_say_so(self) -> None:
        photo = drawn("a lighthouse at dusk")
        assert distance(opened(drawn("make it warmer", None, photo)), opened(photo)) < 90
        scene = opened(drawn("a fox like this", None, photo))
        assert distance(scene, opened(photo)) > 20

    def test_broken_references_are_left_out(self) -> None:
        for broken in (b"", b"\x89PNG\r\n\x1a\n rubbish", drawn("a fox")[:300]):
            assert opened(drawn("a cat", None, broken)).tobytes() == opened(drawn("a cat")).tobytes()

    @given(st.text(max_size=200), st.integers(0, 2**32 - 1))
    @settings(max_examples=25, deadline=None)
    def test_any_words_give_a_picture_and_an_edit(self, prompt: str, seed: int) -> None:
        first = drawn(prompt, seed=seed)
        assert opened(first).size == (125, 83)
        assert opened(drawn(prompt, first, seed=seed)).size == (125, 83)

    def test_the_mark_is_on_it(self) -> None:
        image = Image.new("RGB", (300, 200), (128, 128, 128))
        mark(image)
        corner = image.crop((200, 160, 300, 200))
        assert corner.getcolors(maxcolors=1) is None
        assert image.crop((0, 0, 200, 160)).getcolors(maxcolors=1)
