"""The Slack double's files: the three-step upload, late processing, who may open them, what people see."""

import io

import aiohttp
import pillow_heif
import pytest
from PIL import Image
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, Upload, User, Workspace
from tests.fakes.slack_samples import picture

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.fakes.slack_acme"]


def heic() -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (800, 600), "teal")).save(out)
    return out.getvalue()


async def get(url: str, token: str | None = None) -> tuple[str, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        return answer.content_type, await answer.read()


async def uploaded(client: AsyncWebClient, data: bytes, name: str = "fox.png", alt: str = "") -> str:
    """Steps one and two: the file's id."""
    place = await client.files_getUploadURLExternal(filename=name, length=len(data), alt_txt=alt)
    async with aiohttp.ClientSession() as session, session.post(place["upload_url"], data=data) as answer:
        assert answer.status == 200
    return str(place["file_id"])


async def test_an_upload_appears_in_the_thread_only_once_it_is_processed(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    fake_slack.files.hold()
    root = await fake_slack.message(alice, general, "a fox")
    data = picture()
    answer = await client.files_upload_v2(
        channel=general.id, thread_ts=root.ts, filename="fox.png", file=data, alt_txt="a fox", initial_comment="done"
    )
    file_id = answer["files"][0]["id"]
    early = (await client.files_info(file=file_id))["file"]
    assert (early["mimetype"], early["shares"]) == ("", {})
    assert len(fake_slack.thread(alice, root)) == 1

    fake_slack.files.release()
    await fake_slack.wait_for(lambda: len(fake_slack.thread(alice, root)) == 2)
    shown = fake_slack.thread(alice, root)[1]
    assert (shown.text, shown.pictures) == ("done", [data])
    assert (shown.files[0].alt, shown.files[0].name) == ("a fox", "fox.png")
    late = (await client.files_info(file=file_id))["file"]
    assert (late["mimetype"], late["original_w"], late["thumb_360_h"]) == ("image/png", 640, 270)
    assert late["shares"]["public"][general.id][0]["thread_ts"] == root.ts
    assert fake_slack.deliveries("message")[-1].payload["event"]["subtype"] == "file_share"


async def test_several_files_are_one_message_with_blocks(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    ids = [await uploaded(client, picture(size=(64 + n, 64)), f"{n}.png", f"fox {n}") for n in range(3)]
    blocks = '[{"type": "section", "text": {"type": "mrkdwn", "text": "three foxes"}}]'
    files: list[dict[str, str | None]] = [{"id": file_id, "title": "Fox"} for file_id in ids]
    await client.files_completeUploadExternal(files=files, channel_id=general.id, blocks=blocks)
    await fake_slack.wait_for(lambda: fake_slack.channel(alice, general))

    (shown,) = fake_slack.channel(alice, general)
    assert (shown.text, len(shown.pictures)) == ("three foxes", 3)
    assert [file.alt for file in shown.files] == ["fox 0", "fox 1", "fox 2"]
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=files, channel_id=general.id)


async def test_files_are_found_again_by_looking(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    await fake_slack.message(alice, general, "mine", files=[Upload("cat.png", picture())])
    await client.files_upload_v2(channel=general.id, filename="turn-1.png", file=picture())
    await fake_slack.wait_for(lambda: len(fake_slack.channel(alice, general)) == 2)

    found = await client.files_list(channel=general.id, user=acme.bot_user_id)
    assert [file["name"] for file in found["files"]] == ["turn-1.png"]
    await client.files_delete(file=found["files"][0]["id"])
    assert (await client.files_list(channel=general.id, user=acme.bot_user_id))["files"] == []
    assert [shown.text for shown in fake_slack.channel(alice, general)] == ["mine"]


async def test_a_file_opens_with_the_workspaces_token_and_is_a_login_page_without(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    data = picture()
    said = await fake_slack.message(alice, general, files=[Upload("cat.png", data)])
    file = (await client.files_info(file=said.files[0]))["file"]
    unscoped = fake_slack.install(acme, scopes=frozenset({"chat:write"})).value
    beta = fake_slack.workspace("Beta").bot_token

    assert await get(file["url_private"], client.token) == ("image/png", data)
    assert await get(file["url_private_download"], client.token) == ("image/png", data)
    kind, thumb = await get(file["thumb_80"], client.token)
    assert (kind, max(Image.open(io.BytesIO(thumb)).size)) == ("image/png", 80)
    for token in (None, "xoxb-wrong", unscoped, beta):
        kind, page = await get(file["url_private"], token)
        assert kind == "text/html"
        assert b"Sign in" in page


async def test_files_where_the_app_is_not_a_member_stay_closed(
    fake_slack: FakeSlack, acme: Workspace, alice: User, client: AsyncWebClient
) -> None:
    apart = fake_slack.new_channel(acme, "apart", [alice], with_bot=False)
    said = await fake_slack.message(alice, apart, files=[Upload("cat.png", picture())])

    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_info(file=said.files[0])


async def test_slack_connect_shows_only_a_note_until_files_info_is_asked(
    fake_slack: FakeSlack, acme: Workspace, alice: User, client: AsyncWebClient
) -> None:
    shared = fake_slack.new_channel(acme, "partners", [alice], shared=True)
    said = await fake_slack.message(alice, shared, files=[Upload("cat.png", picture())])

    (note,) = fake_slack.deliveries("message")[0].payload["event"]["files"]
    assert (note["file_access"], "url_private" in note) == ("check_file_info", False)
    assert (await client.files_info(file=said.files[0]))["file"]["mimetype"] == "image/png"


async def test_tombstones_and_remote_files_have_no_bytes(
    fake_slack: FakeSlack, acme: Workspace, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    uploads = [Upload("cat.png", picture()), Upload("drive.png", b"", remote=True)]
    said = await fake_slack.message(alice, general, "look", files=uploads)
    remote = (await client.files_info(file=said.files[1]))["file"]
    assert (remote["mode"], remote["is_external"], "url_private_download" in remote) == ("external", True, False)

    fake_slack.tombstone(fake_slack.files.by_id[said.files[0]])
    with pytest.raises(SlackApiError, match="file_deleted"):
        await client.files_info(file=said.files[0])
    (message,) = (await client.conversations_history(channel=general.id))["messages"]
    assert message["files"][0]["mode"] == "tombstone"
    assert fake_slack.channel(alice, general)[0].pictures == []


async def test_heic_is_given_as_it_was_uploaded_with_thumbnails_if_wanted(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    data = heic()
    said = await fake_slack.message(alice, general, files=[Upload("IMG_1.HEIC", data)])
    file = (await client.files_info(file=said.files[0]))["file"]
    assert (file["mimetype"], file["original_w"]) == ("image/heic", 800)
    assert await get(file["url_private"], client.token) == ("image/heic", data)
    assert (await get(file["thumb_360"], client.token))[0] == "image/png"

    fake_slack.files.heic_thumbs = False
    assert "thumb_360" not in (await client.files_info(file=said.files[0]))["file"]


async def test_a_workspace_refuses_files_it_has_no_room_for(
    fake_slack: FakeSlack, acme: Workspace, client: AsyncWebClient
) -> None:
    acme.max_file_bytes = 100
    with pytest.raises(SlackApiError, match="file_upload_size_restricted"):
        await client.files_getUploadURLExternal(filename="a.png", length=101)
    acme.storage_full = True
    with pytest.raises(SlackApiError, match="storage_limit_reached"):
        await client.files_getUploadURLExternal(filename="a.png", length=50)
    acme.uploads_disabled = True
    with pytest.raises(SlackApiError, match="file_uploads_disabled"):
        await client.files_getUploadURLExternal(filename="a.png", length=50)
    with pytest.raises(SlackApiError, match="alt_txt_too_large"):
        await client.files_getUploadURLExternal(filename="a.png", length=50, alt_txt="x" * 1001)


async def test_an_upload_of_another_length_or_never_sent_is_no_file(
    fake_slack: FakeSlack, general: Channel, client: AsyncWebClient
) -> None:
    place = await client.files_getUploadURLExternal(filename="a.png", length=50)
    async with aiohttp.ClientSession() as session, session.post(place["upload_url"], data=b"x" * 49) as answer:
        assert answer.status == 400
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=[{"id": place["file_id"]}], channel_id=general.id)


@pytest.mark.parametrize("step", ["upload", "files.completeUploadExternal"])
async def test_a_connection_dropped_after_a_step_of_the_upload_had_its_effect(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient, step: str
) -> None:
    fake_slack.fail(step, drop="after")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.files_upload_v2(channel=general.id, filename="fox.png", file=picture())

    (file,) = fake_slack.files.by_id.values()
    assert file.received
    if step == "upload":
        await client.files_completeUploadExternal(files=[{"id": file.id}], channel_id=general.id)
    await fake_slack.wait_for(lambda: len(fake_slack.pictures(alice, general)) == 1)


async def test_an_image_block_needs_a_processed_picture_that_the_app_and_the_reader_can_see(
    fake_slack: FakeSlack, alice: User, general: Channel, client: AsyncWebClient
) -> None:
    fake_slack.files.hold()
    file_id = await uploaded(client, data := picture())
    webp = await uploaded(client, picture("WEBP"), "fox.webp")
    await client.files_completeUploadExternal(files=[{"id": file_id}, {"id": webp}])

    async def post(image: str) -> None:
        block = {"type": "image", "alt_text": "a fox", "slack_file": {"id": image}}
        await client.chat_postMessage(channel=general.id, text="a fox", blocks=[block])

    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await post(file_id)
    fake_slack.files.release()
    await fake_slack.wait_for(lambda: fake_slack.files.by_id[webp].processed)
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await post(webp)

    await post(file_id)
    (shown,) = fake_slack.channel(alice, general)
    assert shown.images[0].broken
    fake_slack.files.by_id[file_id].shares.append((general, shown.ts, None))
    (shown,) = fake_slack.channel(alice, general)
    assert (shown.images[0].broken, shown.pictures) == (False, [data])
