"""That hostile pictures can neither block nor end the service: the processes that work on them, for real."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from PIL import Image

from core.pictures import Picture, PictureLimits, PictureProblem, PictureRefused
from core.pictures.frames import BrokenFrameError, frame, read_frame, receive_frame
from core.pictures.worker import answer, serve
from core.pictures.workshop import PictureWorkshop, WorkshopUnavailable
from tests.conftest import wait_until
from tests.fakes.picture_files import noise, packed, png, png_chunk, real_files

LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux limits address space and shows a process's limits"
)
PNG = real_files()["png"]
HEAVY = png(7000, 7000, bytes(7000 * 21_001), extra=png_chunk(b"tEXt", b"a\0b"))
"""49 megapixels in a few kilobytes: allowed, and work for a second."""


def picture_processes(of: int | None = None) -> list[psutil.Process]:
    children = psutil.Process(of).children()
    return [child for child in children if "core.pictures.worker" in child.cmdline()]


def the_process() -> psutil.Process:
    [process] = picture_processes()
    return process


async def refusal(work: Awaitable[Picture]) -> PictureProblem:
    with pytest.raises(PictureRefused) as refused:
        await work
    return refused.value.problem


@pytest.fixture
async def workshop() -> AsyncIterator[PictureWorkshop]:
    async with PictureWorkshop(processes=1) as open_workshop:
        yield open_workshop
    assert not picture_processes()


async def test_a_picture_comes_back_prepared(workshop: PictureWorkshop) -> None:
    picture = await workshop.prepare_reference(real_files()["heic"])
    assert (picture.media_type, picture.width, picture.height) == ("image/jpeg", 64, 32)
    with Image.open(BytesIO(picture.data)) as image:
        assert image.size == (64, 32)


async def test_a_reference_fits_what_the_caller_allows(workshop: PictureWorkshop) -> None:
    picture = await workshop.prepare_reference(packed(noise(400, 300), "PNG"), 50_000)
    assert len(picture.data) <= 50_000


async def test_a_result_keeps_its_bytes(workshop: PictureWorkshop) -> None:
    assert (await workshop.inspect_result(PNG)).data is PNG


async def test_a_result_may_be_heavier_than_what_people_may_send() -> None:
    async with PictureWorkshop(PictureLimits(max_bytes_in=100), processes=1) as workshop:
        assert await refusal(workshop.prepare_reference(PNG)) is PictureProblem.TOO_LARGE_BYTES
        assert (await workshop.inspect_result(PNG)).data is PNG


async def test_a_post_that_fits_needs_no_process(workshop: PictureWorkshop) -> None:
    picture = Picture.of(PNG, "image/png", (64, 32))
    assert await workshop.fit_for_post(picture, len(PNG)) is picture
    assert not picture_processes()


async def test_a_post_that_is_too_heavy_is_made_to_fit(workshop: PictureWorkshop) -> None:
    large = await workshop.inspect_result(packed(noise(400, 300), "PNG"))
    assert len((await workshop.fit_for_post(large, 60_000)).data) <= 60_000


async def test_a_thumbnail_is_made(workshop: PictureWorkshop) -> None:
    assert (await workshop.thumbnail(PNG, 16)).width == 16


async def test_one_process_serves_many_pictures_one_after_the_other(workshop: PictureWorkshop) -> None:
    pictures = await asyncio.gather(*(workshop.thumbnail(real_files()[kind], 8) for kind in real_files()))
    assert len(pictures) == len(real_files())
    assert len(picture_processes()) == 1


async def test_no_more_processes_than_allowed_work_at_once() -> None:
    async with PictureWorkshop(processes=2) as workshop:
        work = asyncio.gather(*(workshop.inspect_result(PNG) for _ in range(20)))
        most = 0
        while not work.done():
            most = max(most, len(picture_processes()))
            await asyncio.sleep(0.005)
        assert len(await work) == 20
        assert most == 2


@LINUX
async def test_a_picture_that_needs_more_memory_than_allowed_is_refused_and_the_next_one_is_served() -> None:
    async with PictureWorkshop(processes=1, memory_bytes=200_000_000) as workshop:
        assert await refusal(workshop.prepare_reference(HEAVY)) is PictureProblem.CRASHED
        assert (await workshop.inspect_result(PNG)).width == 64


async def test_a_picture_that_takes_too_long_is_refused_and_the_next_one_is_served() -> None:
    async with PictureWorkshop(processes=1, seconds=0.25) as workshop:
        assert await refusal(workshop.prepare_reference(HEAVY)) is PictureProblem.TOO_SLOW
        assert (await workshop.inspect_result(PNG)).width == 64


async def test_a_process_that_hangs_is_replaced() -> None:
    async with PictureWorkshop(processes=1, seconds=0.5) as workshop:
        await workshop.inspect_result(PNG)
        hung = the_process()
        hung.send_signal(signal.SIGSTOP)
        assert await refusal(workshop.inspect_result(PNG)) is PictureProblem.TOO_SLOW
        assert (await workshop.inspect_result(PNG)).width == 64
        assert the_process() != hung


async def test_a_picture_whose_process_was_killed_at_work_gets_another(workshop: PictureWorkshop) -> None:
    await workshop.inspect_result(PNG)
    process = the_process()
    process.send_signal(signal.SIGSTOP)
    work = asyncio.create_task(workshop.inspect_result(PNG))
    await asyncio.sleep(0)
    process.kill()
    assert (await work).width == 64
    assert the_process() != process


async def test_a_process_that_died_idle_costs_nobody_a_picture(workshop: PictureWorkshop) -> None:
    await workshop.inspect_result(PNG)
    process = the_process()
    process.kill()
    await wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE)
    assert (await workshop.inspect_result(PNG)).width == 64


async def test_an_idle_process_is_let_go_and_comes_back_when_needed() -> None:
    async with PictureWorkshop(processes=1, idle_seconds=0.05) as workshop:
        await workshop.inspect_result(PNG)
        await wait_until(lambda: not picture_processes())
        assert (await workshop.inspect_result(PNG)).width == 64


async def test_a_cancelled_picture_frees_its_place(workshop: PictureWorkshop) -> None:
    await workshop.inspect_result(PNG)
    the_process().send_signal(signal.SIGSTOP)
    work = asyncio.create_task(workshop.inspect_result(PNG))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert (await workshop.inspect_result(PNG)).width == 64


async def test_closing_ends_what_is_at_work_without_blaming_the_picture() -> None:
    async with PictureWorkshop(processes=1) as workshop:
        await workshop.inspect_result(PNG)
        the_process().send_signal(signal.SIGSTOP)
        work = asyncio.create_task(workshop.inspect_result(PNG))
        await asyncio.sleep(0)
    with pytest.raises(WorkshopUnavailable):
        await work
    with pytest.raises(WorkshopUnavailable):
        await workshop.inspect_result(PNG)
    assert not picture_processes()


async def test_the_event_loop_goes_on_while_a_picture_is_worked_on(workshop: PictureWorkshop) -> None:
    await workshop.inspect_result(PNG)
    work = asyncio.create_task(workshop.prepare_reference(HEAVY))
    longest, last = 0.0, time.monotonic()
    while not work.done():
        await asyncio.sleep(0.001)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    await work
    assert longest < 0.2


async def test_the_process_sees_nothing_of_our_environment(
    workshop: PictureWorkshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a token")
    await workshop.inspect_result(PNG)
    assert set(the_process().environ()) <= {"MALLOC_ARENA_MAX", "__CF_USER_TEXT_ENCODING"}


@LINUX
async def test_the_process_is_confined(workshop: PictureWorkshop) -> None:
    await workshop.inspect_result(PNG)
    process = the_process()
    first_to_lose = await asyncio.to_thread(Path(f"/proc/{process.pid}/oom_score_adj").read_text)
    assert process.rlimit(psutil.RLIMIT_AS) == (1_500_000_000,) * 2
    assert process.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert process.nice() >= 5
    assert first_to_lose.strip() == "1000"
    assert os.getsid(process.pid) != os.getsid(0)


def test_a_process_ends_with_its_owner() -> None:
    program = (
        "import asyncio\n"
        "from core.pictures.workshop import PictureWorkshop\n"
        "from tests.fakes.picture_files import real_files\n"
        "async def main():\n"
        "    workshop = PictureWorkshop()\n"
        "    await workshop.inspect_result(real_files()['png'])\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == b"ready\n"
        [orphan] = picture_processes(owner.pid)
        owner.kill()
    orphan.wait(timeout=5)


def test_a_process_whose_owner_is_gone_ends_even_in_the_middle_of_a_picture() -> None:
    program = "from core.pictures.worker import hard_deadline\nwith hard_deadline(0.1):\n    while True: pass\n"
    ended = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], timeout=20, check=False)
    assert ended.returncode == -signal.SIGALRM


async def test_no_process_to_be_had_is_not_the_pictures_fault(
    workshop: PictureWorkshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(WorkshopUnavailable):
        await workshop.inspect_result(PNG)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(WorkshopUnavailable):
        await workshop.inspect_result(PNG)


def test_an_order_is_answered_and_a_mistake_of_ours_ends_nothing() -> None:
    limits = {"max_bytes_in": 1000}
    header, body = answer({"operation": "inspect_result", "limits": limits}, PNG)
    assert (header["same"], body) == (True, b"")
    assert answer({"operation": "thumbnail", "limits": {}}, b"")[0] == {"problem": "empty", "found": ""}
    assert answer({"operation": "no such thing", "limits": {}}, PNG)[0]["problem"] == "crashed"


def test_orders_are_answered_until_the_line_ends() -> None:
    order = {"operation": "thumbnail", "limits": {"max_side_out": 8}, "seconds": 1}
    line, replies = BytesIO(b"".join((*frame(order, PNG), *frame(order, b"")))), BytesIO()
    serve(line, replies, lambda _: nullcontext())
    replies.seek(0)
    assert read_frame(replies) == ({"ready": True}, b"")
    [header, body] = read_frame(replies) or ({}, b"")
    assert (header["width"], header["same"]) == (8, False)
    assert Image.open(BytesIO(body)).width == 8
    assert read_frame(replies) == ({"problem": "empty", "found": ""}, b"")
    assert read_frame(replies) is None


async def test_a_frame_of_absurd_length_is_not_waited_for() -> None:
    line = asyncio.StreamReader()
    line.feed_data(b"\xff" * 12)
    with pytest.raises(BrokenFrameError):
        await receive_frame(line)


def test_a_frame_comes_out_as_it_went_in() -> None:
    line = BytesIO(b"".join((*frame({"a": [1, "ü"]}, b"body"), *frame({}))))
    assert read_frame(line) == ({"a": [1, "ü"]}, b"body")
    assert read_frame(line) == ({}, b"")
    assert read_frame(line) is None
