"""The first turn of a newcomer, and what goes on from it."""

from tests.e2e.slack_world import World
from tests.fakes.provider import png
from tests.fakes.slack import Upload

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]

AFTER_A_ROOT = [
    "chat.postMessage",
    "files.getUploadURLExternal",
    "upload",
    "files.completeUploadExternal",
    "chat.update",
]


async def test_a_command_becomes_a_picture_in_a_thread_of_its_own(world: World) -> None:
    picture = await world.first_picture("a fox in the snow")
    root = world.root()
    assert root.text == "alice: a fox in the snow"
    assert picture.message.thread_ts == root.ts
    assert picture.pictures == [png()], "the service's bytes are posted untouched"
    assert picture.files[0].name == "a-fox-in-the-snow.png"
    assert picture.files[0].alt == "a fox in the snow"
    assert [button.label for button in picture.buttons] == ["Edit", "Again", "Variations"]
    assert root.replies == 1, "announcement, picture and buttons are one message"


async def test_a_command_takes_five_calls_and_an_upload(world: World) -> None:
    before = len(world.fake.requests)
    await world.first_picture()
    assert world.methods(before) == ["chat.postMessage", *AFTER_A_ROOT]


async def test_a_message_takes_four_calls_and_an_upload(world: World) -> None:
    before = len(world.fake.requests)
    await world.fake.mention(world.alice, world.channel, "a fox in the snow")
    await world.pictures()
    assert world.methods(before) == AFTER_A_ROOT


async def test_a_mention_with_pictures_is_answered_below_it_once(world: World) -> None:
    said = await world.fake.mention(
        world.alice, world.channel, "this cat on a boat --ar 16:9", files=[Upload("cat.png", png("red"))]
    )
    (picture,) = await world.pictures()
    assert picture.message.thread_ts == said.ts
    (job,) = world.bot.images.sent
    assert (job.prompt, job.aspect_ratio, len(job.references)) == ("this cat on a boat", "16:9", 1)
    assert len(world.fake.deliveries("message")) >= 1
    assert len(world.fake.deliveries("app_mention")) == 1


async def test_a_reply_in_our_thread_is_an_edit_of_its_newest_picture(world: World) -> None:
    first = await world.first_picture()
    for number, words in enumerate(("make it night", "add a moon"), 2):
        await world.reply(words, first)
        await world.pictures(number)
    third = (await world.pictures(3))[-1]
    history = world.bot.images.sent[-1].history
    assert history is not None
    assert [turn["parts"][0]["text"] for turn in history if turn["role"] == "user"] == [
        "a fox in the snow",
        "make it night",
    ]
    assert third.files[0].alt == "add a moon ← make it night ← a fox in the snow"
    assert [button.label for button in third.buttons] == ["Edit", "Again", "Variations", "Undo"]


async def test_the_edit_button_under_an_older_picture_is_a_branch(world: World) -> None:
    first = await world.first_picture()
    await world.reply("make it night", first)
    await world.pictures(2)
    await world.fake.press(world.alice, first.button("Edit"))
    assert world.fake.modal(world.alice) is not None
    await world.fake.submit(world.alice, {"prompt": "make it spring"})
    third = (await world.pictures(3))[-1]
    assert third.files[0].alt == "make it spring ← a fox in the snow"
    assert world.fake.modal(world.alice) is None


async def test_again_is_the_same_once_more_as_a_sibling(world: World) -> None:
    first = await world.first_picture()
    await world.fake.press(world.alice, first.button("Again"))
    await world.pictures(2)
    assert [job.prompt for job in world.bot.images.sent] == ["a fox in the snow"] * 2
    assert world.bot.images.sent[-1].history is None


async def test_a_turn_under_way_can_be_cancelled(world: World) -> None:
    world.bot.images.held = True
    await world.imagine()
    announced = await world.until(
        lambda: next((s for s in world.fake.everything(world.alice, world.channel) if s.buttons), None)
    )
    await world.fake.press(world.alice, announced.button("Cancel"))
    await world.until(lambda: "Cancelled" in world.fake.look(world.alice, announced.message).text)
    world.bot.images.release.set()
    await world.quiet()
    assert world.fake.look(world.alice, announced.message).buttons == []
    assert world.fake.pictures(world.alice, world.channel) == []
