"""A table of hostile and odd files: each is answered within two seconds, by one process that outlives them all.

The seconds are the process's own, so that a busy machine fails nothing; the workshop's clock is proven elsewhere.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.pictures import Picture, PictureProblem, PictureRefused
from core.pictures.workshop import PictureWorkshop
from core.replies import languages, sentences
from core.uploads import reason_of
from tests.fakes.odd_files import endless_files, foreign_files, odd_files
from tests.fakes.picture_files import SECRET, hostile_files, real_files
from tests.unit.test_picture_workshop import the_process

REFUSED = hostile_files() | foreign_files() | endless_files()
SECONDS = 2.0
MOST_MEMORY_KB = 500_000
"""What all of them together may have made of the process, which is allowed three times that."""

Prepare = Callable[[bytes], Picture]


@pytest.fixture(scope="module")
def prepare() -> Iterator[Prepare]:
    """Prepare a reference in the one process of a workshop, which has to be the same in the end."""
    with asyncio.Runner() as runner:
        workshop = PictureWorkshop(processes=1)
        runner.run(workshop.prepare_reference(real_files()["png"]))
        first = the_process()

        def timed(data: bytes) -> Picture:
            began = first.cpu_times()
            try:
                return runner.run(workshop.prepare_reference(data))
            finally:
                ended = first.cpu_times()
                assert ended.user + ended.system - began.user - began.system < SECONDS
                assert the_process() == first

        yield timed
        if sys.platform == "linux":
            assert peak_kb(first.pid) < MOST_MEMORY_KB
        runner.run(workshop.close())


def peak_kb(process: int) -> int:
    """The most memory that a process has ever had, in KB."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_file_is_refused_at_once_for_what_it_is(prepare: Prepare, name: str) -> None:
    data, problem = REFUSED[name]
    with pytest.raises(PictureRefused) as refused:
        prepare(data)
    assert refused.value.problem == problem


@pytest.mark.parametrize("name", odd_files())
def test_an_odd_file_is_a_picture_and_nothing_besides(prepare: Prepare, name: str) -> None:
    data, size = odd_files()[name]
    picture = prepare(data)
    assert (picture.width, picture.height) == size
    assert picture.media_type in ("image/png", "image/jpeg")
    assert len(picture.data) <= 7_000_000
    for hidden in (SECRET, b"PK\3\4", b"<script>", b"zTXt", b"iTXt"):
        assert hidden not in picture.data


def test_the_table_has_what_it_says() -> None:
    assert len(REFUSED) + len(odd_files()) >= 80


@pytest.mark.parametrize("problem", PictureProblem)
def test_every_refusal_has_its_sentence_in_every_language(problem: PictureProblem) -> None:
    for language in languages():
        assert f"picture.{reason_of(problem)}" in sentences(language)
