"""The web workspace as a person meets it, in a real browser over the whole bot."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, FilePayload, expect
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.web.guard import COOKIE
from core.breaker import Breaker
from core.choices import Choices, ModelChoices
from core.statuses import FailureReason
from tests.e2e.web_app import MODEL, PATIENCE, Visitor, WebBot, simulation, web_bot
from tests.fakes.picture_files import noise, packed
from tests.fakes.web_site import web_site

HEIC = packed(noise(300, 200), "HEIF")
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


@pytest.fixture
async def bot(redis_url: str, tmp_path: Path) -> AsyncIterator[WebBot]:
    async with web_bot(redis_url, tmp_path) as bot:
        yield bot


@pytest.fixture
async def ada(bot: WebBot, browser: Browser) -> AsyncIterator[Visitor]:
    visitor = await Visitor.arrive(bot, browser)
    yield visitor
    await visitor.leave()


async def test_a_first_turn_from_an_empty_channel(ada: Visitor) -> None:
    page = ada.page
    await expect(ada.channel.get_by_text("Simulated: no image service is connected")).to_be_visible()
    await page.get_by_role("button", name="a lighthouse at dusk").click()
    await expect(ada.box).to_have_value("/imagine a lighthouse at dusk --ar 16:9")
    await ada.box.press("Enter")
    await expect(ada.channel.get_by_role("progressbar")).to_be_visible(timeout=PATIENCE)
    await expect(ada.previews).to_have_count(1, timeout=PATIENCE)
    assert "a lighthouse at dusk" in str(await ada.previews.get_attribute("alt"))
    box = await ada.previews.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(1344 / 768, rel=0.03)
    await expect(ada.channel.get_by_role("progressbar")).to_have_count(0)
    await expect(ada.box).to_have_value("")


@pytest.mark.lasting_keys("imagine:1:choices:")
async def test_who_drew_a_picture_in_place_of_another_is_said_in_the_channel_too(
    bot: WebBot, browser: Browser, redis: Redis
) -> None:
    other = "gemini-3.1-flash-image-preview"
    await ModelChoices(redis).change("web", "local", Choices(allowed=(MODEL, other)))
    await Breaker(redis).fail(f"gmi:{MODEL}", "", FailureReason.MODEL_GONE)
    ada = await Visitor.arrive(bot, browser)
    await ada.imagine("a fox")
    preview = ada.channel.locator(".preview")
    await expect(preview.locator(".notes")).to_have_text(f"{MODEL} is no longer offered, so {other} makes this.")
    await expect(preview.locator(".drawn-by")).to_have_text(other)
    await ada.leave()


async def test_a_picture_tells_how_it_came_to_be_and_can_be_undone(ada: Visitor) -> None:
    page = ada.page
    await ada.imagine("a fox")
    await ada.open_thread()
    pictures = page.locator("#thread .picture img")
    await expect(page.locator("#thread").get_by_role("button", name="Undo")).to_have_count(0)
    await page.locator("#thread-text").fill("make it night")
    await page.locator("#thread-text").press("Enter")
    await expect(pictures).to_have_count(2, timeout=PATIENCE)
    menu = page.locator("#thread").get_by_role("combobox", name="Go back, compare, branch…").last
    await menu.focus()
    assert (await menu.locator("optgroup").first.locator("option").all_inner_texts()) == ["a fox"]
    await menu.select_option("path")
    await expect(pictures).to_have_count(3, timeout=PATIENCE)
    await expect(page.locator("#thread").get_by_text("1. a fox")).to_be_visible()
    await page.locator("#thread").get_by_role("button", name="Undo").click()
    await expect(page.locator("#thread").get_by_text("Back to: a fox")).to_be_visible()


async def test_each_of_several_pictures_has_its_menu_and_a_copy_of_an_edit_no_again(ada: Visitor) -> None:
    thread = ada.page.locator("#thread")
    await ada.imagine("a fox --count 3", pictures=3)
    await ada.open_thread()
    await expect(thread.locator(".picture img")).to_have_count(3, timeout=PATIENCE)
    menus = thread.get_by_role("combobox", name="Go back, compare, branch…")
    await expect(menus).to_have_count(3)
    await menus.nth(1).focus()
    others = menus.nth(1).locator("optgroup").first.locator("option")
    assert (await others.all_inner_texts()) == ["a fox #1", "a fox #3"]
    await menus.nth(1).select_option(label="a fox #3")
    await expect(thread.get_by_text("1 #2. a fox")).to_be_visible(timeout=PATIENCE)
    await thread.get_by_role("button", name="Variations").click()
    await expect(menus).to_have_count(7, timeout=PATIENCE)
    again = ada.page.locator("#channel").get_by_role("button", name="Again")
    await expect(again).to_have_count(1)
    await menus.last.select_option("fork")
    await expect(thread.get_by_text("branched off")).to_be_visible(timeout=PATIENCE)
    await expect(ada.page.locator("#channel").get_by_role("button", name="Variations")).to_have_count(2)
    await expect(again).to_have_count(1)


async def test_a_picture_branches_off_to_another_channel_and_goes_on_there(ada: Visitor) -> None:
    await ada.imagine("a fox")
    await ada.open_thread()
    menu = ada.thread.get_by_role("combobox", name="Go back, compare, branch…")
    await menu.focus()
    channels = menu.locator("optgroup").last
    await expect(channels).to_have_attribute("label", "Branch off to a channel…")
    assert (await channels.locator("option").all_inner_texts()) == ["#design", "#random"]
    await menu.select_option(label="#design")
    await expect(ada.thread.get_by_text("It goes on in #design.")).to_be_visible(timeout=PATIENCE)
    await expect(ada.previews).to_have_count(1)
    await ada.page.get_by_role("link", name="design").click()
    await expect(ada.previews).to_have_count(1, timeout=PATIENCE)
    await ada.open_thread()
    await expect(ada.thread.get_by_text("Branched off here by Ada.")).to_be_visible()
    await ada.edit("make it night")


@pytest.mark.lasting_keys("imagine:1:library:", "imagine:1:saved:", "imagine:1:style")
async def test_a_saved_picture_and_a_style_are_completed_and_shown(ada: Visitor) -> None:
    await ada.channel.locator("input[type=file]").set_input_files(
        FilePayload(name="IMG_0042.HEIC", mimeType="image/heic", buffer=HEIC)
    )
    await expect(ada.channel.locator(".tile img")).to_be_visible(timeout=PATIENCE)
    for typed, answer in (
        ("library save mascot", "Saved. Write @mascot in any prompt"),
        ("library style noir: grainy", "The style noir is saved."),
    ):
        await ada.box.fill(f"/imagine {typed}")
        await ada.box.press("Enter")
        await expect(ada.channel.get_by_text(answer)).to_be_visible(timeout=PATIENCE)
    await ada.box.fill("")
    await ada.box.press_sequentially("/imagine a mug with @ma")
    await expect(ada.channel.get_by_role("option", name="@mascot")).to_be_visible(timeout=PATIENCE)
    await ada.box.press("Enter")
    await ada.box.press_sequentially("--style n")
    await ada.channel.get_by_role("option", name="noir").click()
    await expect(ada.box).to_have_value("/imagine a mug with @mascot --style noir ")
    await ada.box.press("Enter")
    await expect(ada.previews).to_have_count(1, timeout=PATIENCE)
    await expect(ada.channel.get_by_text("style: noir", exact=True)).to_be_visible()
    await ada.open_thread()
    await expect(ada.thread.get_by_text("Using: @mascot.")).to_be_visible()


async def test_an_edit_with_a_heic_reference(ada: Visitor) -> None:
    await ada.imagine("a fox")
    await ada.open_thread()
    picker = ada.thread.locator("input[type=file]")
    await picker.set_input_files(FilePayload(name="IMG_0042.HEIC", mimeType="image/heic", buffer=HEIC))
    tile = ada.thread.locator(".tile img")
    await expect(tile).to_be_visible(timeout=PATIENCE)
    assert await tile.evaluate("image => image.naturalWidth") > 0
    await ada.edit("in this light")
    reference = ada.thread.locator(".reference img")
    assert await reference.evaluate("image => image.naturalWidth") > 0
    await expect(ada.thread.get_by_text("edits this picture")).to_be_visible()
    await expect(ada.thread.locator(".tile")).to_have_count(0)
    await reference.click()
    await expect(ada.page.locator("#lightbox-image")).to_be_visible()
    await expect(ada.page.locator("#lightbox-image")).to_have_js_property("complete", value=True)


async def test_a_branch_from_an_older_picture(ada: Visitor) -> None:
    await ada.imagine("a fox")
    await ada.open_thread()
    await ada.edit("make it night")
    await ada.thread.get_by_role("button", name="Edit", exact=True).first.click()
    await expect(ada.thread.get_by_text("Editing this picture")).to_be_visible()
    await ada.edit("make it winter")
    await expect(ada.thread.get_by_text("Editing this picture")).to_be_hidden()
    chips = ada.thread.locator(".chip.edits img")
    await expect(chips).to_have_count(2)
    first, second = [await chips.nth(number).get_attribute("src") for number in range(2)]
    assert first == second


async def test_two_windows_and_two_people_see_the_same(ada: Visitor, bot: WebBot, browser: Browser) -> None:
    bob = await Visitor.arrive(bot, browser, "Bob")
    window = await ada.again()
    await ada.imagine("a fox")
    for other in (bob, window):
        await expect(other.previews).to_have_count(1, timeout=PATIENCE)
        await expect(other.channel.locator(".who").first).to_have_text("Ada")
    await bob.open_thread()
    await bob.edit("make it night")
    await expect(ada.channel.get_by_text("3 replies")).to_be_visible()
    assert await ada.previews.get_attribute("src") == await bob.previews.get_attribute("src")
    await bob.leave()


async def test_a_reload_loses_nothing(ada: Visitor) -> None:
    await ada.imagine("a fox")
    await ada.open_thread()
    await ada.thread.get_by_role("button", name="Edit", exact=True).click()
    await ada.thread_box.fill("make it night, and then")
    await ada.page.reload()
    await expect(ada.thread_box).to_have_value("make it night, and then")
    await expect(ada.thread.get_by_text("Editing this picture")).to_be_visible()
    await expect(ada.shown).to_have_count(1)
    await expect(ada.previews).to_have_count(1)


async def test_a_page_outlives_its_server(ada: Visitor, bot: WebBot) -> None:
    await ada.imagine("a fox")
    await bot.stop()
    await expect(ada.page.get_by_text("Reconnecting…")).to_be_visible(timeout=PATIENCE)
    await ada.box.fill("/imagine a boat")
    await ada.box.press("Enter")
    await expect(ada.channel.get_by_text("cannot be reached")).to_be_visible()
    await expect(ada.box).to_have_value("/imagine a boat")
    await bot.start()
    await expect(ada.page.get_by_text("Reconnecting…")).to_be_hidden(timeout=PATIENCE)
    await ada.box.press("Enter")
    await expect(ada.previews).to_have_count(2, timeout=PATIENCE)


async def test_a_turn_goes_on_over_a_restart(redis_url: str, tmp_path: Path, browser: Browser) -> None:
    async with web_bot(redis_url, tmp_path, simulation(drawing=2)) as bot:
        ada = await Visitor.arrive(bot, browser)
        await ada.box.fill("/imagine a fox")
        await ada.box.press("Enter")
        await expect(ada.channel.get_by_text(re.compile("Sent|Drawing"))).to_be_visible(timeout=PATIENCE)
        await bot.stop()
        await bot.start()
        await expect(ada.previews).to_have_count(1, timeout=PATIENCE)
        await ada.leave()


async def test_a_turn_can_be_cancelled(redis_url: str, tmp_path: Path, browser: Browser) -> None:
    async with web_bot(redis_url, tmp_path, simulation(drawing=600)) as bot:
        ada = await Visitor.arrive(bot, browser)
        await ada.box.fill("/imagine a fox")
        await ada.box.press("Enter")
        await ada.channel.get_by_role("button", name="Cancel").click()
        await expect(ada.channel.get_by_text(re.compile("^Cancelled"))).to_be_visible(timeout=PATIENCE)
        await ada.leave()


async def test_again_makes_another(ada: Visitor) -> None:
    await ada.imagine("a fox")
    await ada.open_thread()
    await ada.thread.get_by_role("button", name="Again").click()
    await expect(ada.shown).to_have_count(2, timeout=PATIENCE)
    assert await ada.shown.nth(0).get_attribute("src") != await ada.shown.nth(1).get_attribute("src")


async def test_a_double_click_on_again_is_one_turn(ada: Visitor) -> None:
    await ada.imagine("a fox")
    await ada.open_thread()
    await ada.thread.get_by_role("button", name="Again").dblclick()
    await expect(ada.shown).to_have_count(2, timeout=PATIENCE)
    await expect(ada.thread.locator(".message")).to_have_count(4)


async def test_a_page_without_a_store_says_so(tmp_path: Path, browser: Browser) -> None:
    async with (
        Redis(unix_socket_path=str(tmp_path / "nowhere"), retry=Retry(NoBackoff(), 0)) as redis,
        web_site(redis, tmp_path) as site,
    ):
        context = await browser.new_context()
        await context.add_cookies([{"name": COOKIE, "value": "A" * 43, "url": site.base}])
        page = await context.new_page()
        await page.goto(site.base)
        await expect(page.get_by_text("cannot look into its store just now")).to_be_visible(timeout=PATIENCE)
        await context.close()


async def test_a_refusal_is_private_and_loses_nothing(ada: Visitor, bot: WebBot, browser: Browser) -> None:
    bob = await Visitor.arrive(bot, browser, "Bob")
    await ada.box.fill("/imagine a fox --ar 16:8")
    await ada.box.press("Enter")
    notice = ada.channel.get_by_role("alert")
    await expect(notice).to_contain_text("Did you mean 16:9?")
    await expect(notice).to_contain_text("Only you see this.")
    await expect(ada.box).to_have_value("/imagine a fox --ar 16:8")
    await ada.box.fill("/imagine a fox --ar 16:9")
    await ada.box.press("Enter")
    await expect(notice).to_be_empty()
    await expect(bob.previews).to_have_count(1, timeout=PATIENCE)
    await expect(bob.channel.get_by_role("alert")).to_be_empty()
    await bob.leave()


async def test_what_is_no_picture_is_left_out_with_a_reason(ada: Visitor) -> None:
    files = [
        FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"not a picture"),
        FilePayload(name="huge.png", mimeType="image/png", buffer=bytes(5_000_001)),
        FilePayload(name="good.png", mimeType="image/png", buffer=packed(noise(40, 30), "PNG")),
    ]
    await ada.channel.locator("input[type=file]").set_input_files(files)
    notice = ada.channel.get_by_role("alert")
    await expect(notice).to_contain_text("Left out notes.txt: it is not a picture.")
    await expect(notice).to_contain_text("huge.png is larger than 5 MB")
    await expect(ada.channel.locator(".tile")).to_have_count(1)


async def test_pictures_can_be_dropped_and_pasted(ada: Visitor) -> None:
    send = """([selector, type]) => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 30 });
        return new Promise((done) => canvas.toBlob((blob) => {
            const data = new DataTransfer();
            data.items.add(new File([blob], `${type}.png`, { type: 'image/png' }));
            const how = { bubbles: true, cancelable: true };
            const event = type === 'paste' ? new ClipboardEvent(type, { ...how, clipboardData: data })
                                           : new DragEvent(type, { ...how, dataTransfer: data });
            document.querySelector(selector).dispatchEvent(event);
            done();
        }));
    }"""
    await ada.page.evaluate(send, ["#channel", "dragenter"])
    await expect(ada.page.get_by_text("Drop pictures to add them").first).to_be_visible()
    await ada.page.evaluate(send, ["#channel", "drop"])
    await expect(ada.page.get_by_text("Drop pictures to add them").first).to_be_hidden()
    await expect(ada.channel.locator(".tile img")).to_have_count(1, timeout=PATIENCE)
    await ada.box.fill("x")
    await ada.page.evaluate(send, ["#channel-text", "paste"])
    # The same bytes again: a second tile of the same picture is what the person asked for.
    await expect(ada.channel.locator(".tile img")).to_have_count(2, timeout=PATIENCE)


async def test_completion_leads_from_a_slash_to_a_shape(ada: Visitor) -> None:
    page, choices = ada.page, ada.channel.get_by_role("option")
    await ada.box.press_sequentially("/")
    await expect(choices).to_contain_text(["/imagine"])
    await ada.box.press("Enter")
    await expect(ada.box).to_have_value("/imagine ")
    await ada.box.press_sequentially("a fox --")
    await expect(choices.first).to_contain_text("--ar")
    await ada.box.press("Tab")
    await expect(choices).to_have_count(10)
    await expect(choices.locator("svg.shape")).to_have_count(10)
    await ada.box.press("ArrowRight")
    active = await ada.box.get_attribute("aria-activedescendant")
    assert await page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    await ada.box.press("Enter")
    await expect(ada.box).to_have_value(re.compile(r"^/imagine a fox --ar \d+:\d+ $"))
    await ada.box.press("Enter")
    await expect(ada.previews).to_have_count(1, timeout=PATIENCE)


async def test_what_it_would_cost_is_shown_before_and_while_it_is_made(
    redis_url: str, tmp_path: Path, browser: Browser
) -> None:
    async with web_bot(redis_url, tmp_path, simulation(drawing=8.0)) as bot:
        ada = await Visitor.arrive(bot, browser)
        cost, words = ada.channel.locator(".cost"), "/imagine a fox --model gemini-3-pro-image"
        await ada.box.fill(f"{words} --n 2 --size 4K")
        await expect(cost).to_have_text("≈ $0.48", timeout=PATIENCE)
        await ada.box.fill(f"{words} --size 9K")
        await expect(cost).to_have_text("", timeout=PATIENCE)
        await ada.box.fill(f"{words} --size 4")
        await expect(ada.channel.get_by_role("option", name="4K ≈ $0.24 a picture")).to_be_visible()
        await ada.box.fill(f"{words} --size 4K")
        await ada.box.press("Enter")
        status = ada.channel.get_by_text(re.compile("Usually done in .* ≈ [$]0.24"))
        await expect(status).to_be_visible(timeout=PATIENCE)
        await ada.leave()


@pytest.mark.lasting_keys("imagine:1:choices:")
async def test_the_workspace_chooses_its_models(ada: Visitor, bot: WebBot, browser: Browser) -> None:
    page, dialog = ada.page, ada.page.get_by_role("dialog", name="Models")
    await page.get_by_role("button", name="Models").click()
    await dialog.get_by_role("checkbox", name="gemini-3-pro-image ≈ $0.13").check()
    await dialog.get_by_label("Usual model in #general").select_option(MODEL)
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_contain_text(f"{MODEL} is not among them")
    await dialog.get_by_label("Usual model in #general").select_option("gemini-3-pro-image")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_be_hidden()
    await ada.box.fill("/imagine a fox --model ")
    await expect(ada.channel.get_by_role("option")).to_have_count(1)
    await ada.box.fill("/imagine a fox --size 2K")
    await expect(ada.channel.locator(".cost")).to_have_text("≈ $0.13", timeout=PATIENCE)
    await ada.imagine("a fox --size 2K")
    eve = await Visitor.arrive(bot, browser, "Eve")
    await eve.page.get_by_role("button", name="Models").click()
    again = eve.page.get_by_role("dialog", name="Models")
    await expect(again.get_by_role("checkbox", checked=True)).to_have_count(1)
    await expect(again.get_by_label("Usual model in #general")).to_have_value("gemini-3-pro-image")
    await eve.leave()


async def test_what_is_chosen_is_for_the_channel_that_it_was_shown_for_or_for_none(ada: Visitor) -> None:
    page, dialog = ada.page, ada.page.get_by_role("dialog", name="Models")
    await page.get_by_role("link", name="design").click()
    await page.get_by_role("link", name="random").click()
    await page.get_by_role("button", name="Models").click()
    await expect(dialog.get_by_label("Usual model in #random")).to_be_visible()
    await page.go_back()
    await expect(dialog).to_be_hidden()
    await page.route("**/choices", lambda route: route.abort())
    await page.get_by_role("button", name="Models").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("cannot be shown")
    await expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    await expect(dialog.get_by_role("combobox")).to_have_count(0)


async def test_the_keyboard_alone_is_enough(ada: Visitor) -> None:
    page = ada.page
    await page.keyboard.type("/im")
    await page.keyboard.press("Enter")
    await page.keyboard.type("a fox")
    await page.keyboard.press("Enter")
    await expect(ada.previews).to_have_count(1, timeout=PATIENCE)
    await _tab_to(ada, "#channel .picture-button")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    await page.keyboard.press("Enter")
    await expect(page.locator("#lightbox")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#lightbox")).to_be_hidden()
    await expect(page.locator("#channel .picture-button")).to_be_focused()
    await _tab_to(ada, "#channel .open-thread")
    await page.keyboard.press("Enter")
    await expect(ada.thread_box).to_be_focused()
    await page.keyboard.type("make it night")
    await page.keyboard.press("Enter")
    await expect(ada.shown).to_have_count(2, timeout=PATIENCE)
    await page.keyboard.press("Escape")
    await expect(ada.thread).to_be_hidden()
    await expect(page.locator("#channel .open-thread")).to_be_focused()


async def _tab_to(visitor: Visitor, selector: str) -> None:
    await visitor.page.locator("#skip").focus()
    for _ in range(40):
        await visitor.page.keyboard.press("Tab")
        if await visitor.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{selector} cannot be reached with the Tab key")


async def test_a_screen_reader_is_told_of_progress(ada: Visitor) -> None:
    await ada.imagine("a fox")
    live = ada.page.locator("#announcer")
    await expect(live).to_have_attribute("aria-live", "polite")
    await expect(live).to_contain_text("In line")
    await expect(live).to_contain_text("New picture: ")
    for name in ("navigation", "main"):
        await expect(ada.page.get_by_role(name)).to_have_count(1)
    unnamed = await ada.page.evaluate(
        """() => [...document.querySelectorAll('button, a, input, textarea, img')]
            .filter((one) => one.checkVisibility() && !one.ariaLabel && !one.textContent.trim() && !one.alt
                             && !one.labels?.length && !one.title)
            .map((one) => one.outerHTML)"""
    )
    assert unnamed == []


async def test_the_picture_opens_at_full_size(ada: Visitor) -> None:
    await ada.imagine("a fox --n 2 --ar 16:9", pictures=2)
    page = ada.page
    await ada.previews.first.click()
    image = page.locator("#lightbox-image")
    await expect(image).to_be_visible()
    assert await image.evaluate("image => image.naturalWidth") == 1344 // 4
    await expect(page.get_by_text("1 of 2")).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_text("2 of 2")).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_text("2 of 2")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(image).to_be_hidden()


async def test_a_picture_can_be_downloaded(ada: Visitor, tmp_path: Path) -> None:
    await ada.imagine("a fox")
    async with ada.page.expect_download() as download:
        await ada.channel.get_by_role("link", name="Download").click()
    await (await download.value).save_as(tmp_path / "fox")
    with Image.open(tmp_path / "fox") as image:
        assert image.size == (256, 256)


async def test_hostile_words_are_shown_as_words(ada: Visitor) -> None:
    text = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    await ada.box.fill(text)
    await ada.box.press("Enter")
    await expect(ada.channel.locator(".words").first).to_have_text(text)
    await ada.imagine(text)
    await ada.open_thread()
    assert "owned" not in await ada.page.title()
    assert await ada.page.locator(".messages script").count() == 0


async def test_dark_follows_the_system_and_the_person(ada: Visitor) -> None:
    page = ada.page

    async def brightness() -> float:
        rgb = await page.evaluate("getComputedStyle(document.querySelector('#channel')).backgroundColor")
        return sum(map(int, re.findall(r"\d+", rgb)[:3])) / 3

    assert await brightness() > 200
    await page.emulate_media(color_scheme="dark")
    assert await brightness() < 60
    await page.get_by_role("button", name="Switch between light and dark").click()
    assert await brightness() > 200
    await page.reload()
    assert await brightness() > 200


async def test_a_phone_shows_one_thing_at_a_time(bot: WebBot, browser: Browser) -> None:
    ada = await Visitor.arrive(bot, browser, **PHONE)
    page = ada.page
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await page.get_by_role("button", name="Show the channels").click()
    await page.get_by_role("link", name="design").click()
    await expect(page.get_by_role("heading", name="design")).to_be_visible()
    await ada.box.fill("/imagine a very-long-word" + "-and-on" * 30)
    await page.get_by_role("button", name="Send").first.click()
    await expect(ada.previews).to_have_count(1, timeout=PATIENCE)
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await ada.open_thread()
    await expect(ada.channel).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await page.get_by_role("button", name="Back to the channel").click()
    await expect(ada.channel).to_be_visible()
    await ada.leave()


async def test_a_channel_is_made_and_found(ada: Visitor, bot: WebBot, browser: Browser) -> None:
    bob = await Visitor.arrive(bot, browser, "Bob")
    await ada.page.get_by_role("button", name="Create a channel").click()
    await ada.page.get_by_label("Name", exact=True).fill("Poster ideas")
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_role("heading", name="poster-ideas")).to_be_visible()
    await ada.box.fill("hello")
    await ada.box.press("Enter")
    link = bob.page.get_by_role("link", name="poster-ideas")
    await expect(link).to_contain_text("unread")
    await link.click()
    await expect(bob.channel.get_by_text("hello", exact=True)).to_be_visible()
    await bob.leave()


async def test_what_is_sent_fast_arrives_in_order(ada: Visitor) -> None:
    for number in range(8):
        await ada.page.keyboard.type(f"line {number}")
        await ada.page.keyboard.press("Enter")
    await expect(ada.channel.locator(".words")).to_have_text([f"line {number}" for number in range(8)])


async def test_a_private_turn_is_seen_by_one(ada: Visitor, bot: WebBot, browser: Browser) -> None:
    bob = await Visitor.arrive(bot, browser, "Bob")
    await ada.imagine("a secret --private")
    await expect(ada.channel.get_by_text("only you see this")).to_be_visible()
    await ada.imagine("no secret")
    await expect(bob.previews).to_have_count(1, timeout=PATIENCE)
    await bob.leave()


async def test_motion_is_still_for_those_who_ask(redis_url: str, tmp_path: Path, browser: Browser) -> None:
    async with web_bot(redis_url, tmp_path, simulation(drawing=600)) as bot:
        ada = await Visitor.arrive(bot, browser, reduced_motion="reduce")
        await ada.box.fill("/imagine a fox")
        await ada.box.press("Enter")
        mark = ada.channel.locator(".easel .mark")
        await expect(mark).to_be_visible()
        assert await mark.evaluate("mark => getComputedStyle(mark).animationName") == "none"
        await ada.leave()


async def test_a_password_is_asked_for(redis_url: str, tmp_path: Path, browser: Browser) -> None:
    async with web_bot(redis_url, tmp_path, password="correct horse") as bot:
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(bot.url)
        await page.get_by_label("Your name").fill("Eve")
        await page.get_by_label("Password of this workspace").fill("a guess")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert").first).to_have_text("That is not the password.")
        await expect(page.locator("#app")).to_be_hidden()
        await context.close()
        ada = await Visitor.arrive(bot, browser)
        await ada.leave()
