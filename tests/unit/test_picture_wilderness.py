"""Whatever arrives as a picture is answered: properties over wild bytes and mutilated files."""

import asyncio
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from core.pictures import PictureLimits, PictureProblem, PictureRefused
from core.pictures.workshop import PictureWorkshop
from tests.fakes.picture_files import real_files, with_right_checksums

Ask = Callable[[bytes], PictureProblem | None]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Prepare and inspect bytes; the problem, if any."""
    with asyncio.Runner() as runner:
        workshop = PictureWorkshop(PictureLimits(max_pixels=4_000_000), processes=1)

        async def work(data: bytes) -> PictureProblem | None:
            try:
                await workshop.prepare_reference(data)
                await workshop.inspect_result(data)
            except PictureRefused as refused:
                return refused.problem
            return None

        yield lambda data: runner.run(work(data))
        runner.run(workshop.close())


WILD = settings(max_examples=150, deadline=2000)


@WILD
@given(data=st.binary(max_size=2000))
def test_whatever_bytes_are_they_are_refused_as_no_picture(ask: Ask, data: bytes) -> None:
    assert ask(data) in set(PictureProblem) - {PictureProblem.CRASHED, PictureProblem.TOO_SLOW}


@WILD
@given(kind=st.sampled_from(sorted(real_files())), seed=st.integers(0, 2**32), wounds=st.integers(1, 20))
def test_however_a_picture_is_mutilated_it_is_answered(ask: Ask, kind: str, seed: int, wounds: int) -> None:
    chance, data = random.Random(seed), bytearray(real_files()[kind])
    for _ in range(wounds):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + 4] = chance.randbytes(4)
            case 2:
                del data[at : at + chance.randrange(1, 30)]
            case _:
                data[at:at] = data[chance.randrange(len(data)) :][: chance.randrange(1, 60)]
        data = data or bytearray(b"\xff")
    wounded = with_right_checksums(data) if kind.endswith("png") else bytes(data)
    with capture_logs() as logs:
        problem = ask(wounded)
    assert problem is not PictureProblem.TOO_SLOW
    assert not [line for line in logs if line["event"] == "a picture tripped over a mistake of ours"]
