"""Acting as a person in conversations: writing, editing, deleting, commands, opening places."""

from tests.fakes.slack import chat, events, interactions, replies, text
from tests.fakes.slack.call import SlackError
from tests.fakes.slack.core import Core
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.files import can_read
from tests.fakes.slack.messages import message_json
from tests.fakes.slack.model import Channel, File, Message, Upload, User


class Writing(Core):
    """What people do with messages and commands."""

    async def message(
        self,
        user: User,
        channel: Channel,
        typed: str = "",
        *,
        files: list[Upload] | None = None,
        thread: Message | str | None = None,
    ) -> Message:
        """Write a message, with files, in the channel or in the thread of `thread` (any message of it, or a ts).

        The app gets `message` (`subtype: file_share` with files), and `app_mention` too when the text holds
        the app's mention (`team.bot.at`). Returns at once; the events are in `deliveries`.
        """
        if channel.archived or user.deleted or not can_read(channel, user.id):
            raise ValueError(f"{user.name} cannot write in #{channel.name}")
        root = thread.thread_ts or thread.ts if isinstance(thread, Message) else thread
        written = text.escape(typed)
        message = Message(self.clock.timestamp(), user.id, channel, written, root, text.rich_text(written))
        message.client_msg_id = self.new_id("M")
        message.user_team = user.team.id if user.team is not channel.team else None
        if not written:
            message.blocks = []
        for upload in files or []:
            file = await self.upload(user, upload)
            file.shares.append((channel, message.ts, root))
            message.files.append(file.id)
        self.add_message(message)
        events.message_posted(self, message)
        return message

    async def mention(
        self,
        user: User,
        channel: Channel,
        typed: str = "",
        *,
        files: list[Upload] | None = None,
        thread: Message | str | None = None,
    ) -> Message:
        """Write a message that begins with the app's mention."""
        return await self.message(user, channel, f"{channel.team.bot.at} {typed}", files=files, thread=thread)

    async def upload(self, user: User, upload: Upload) -> File:
        """A person's file, processed by the time anyone sees it, shared nowhere yet."""
        file = self.files.new(self.new_id("F"), upload.name, user, user.team)
        file.data, file.size, file.received, file.completed = upload.data, len(upload.data), True, True
        file.alt, file.title, file.remote = upload.alt, upload.name, upload.remote
        await self.files.inspect(file)
        file.mimetype = upload.mimetype or file.mimetype
        return file

    async def edit(self, message: Message, typed: str) -> None:
        """The author changes a message's text."""
        previous = message_json(self, message)
        message.text = text.escape(typed)
        message.blocks = text.rich_text(message.text)
        message.edited = {"user": message.user, "ts": self.clock.timestamp()}
        events.message_changed(self, message, previous)

    async def delete(self, message: Message) -> None:
        """The author (or an admin) deletes a message; a root with replies leaves a tombstone."""
        chat.remove_message(self, message)
        self.happened()

    async def slash(self, user: User, channel: Channel, command: str, typed: str = "") -> Delivery:
        """Use a slash command; returns once the app acknowledged or Slack gave up (see `Delivery.failed`).

        What the acknowledgement says is shown, to the person alone or `in_channel`.
        """
        if user.deleted:
            raise ValueError(f"{user.name} is deactivated")
        payload = interactions.command(self, user, channel, command, text.escape(typed))
        delivery = self.outbox.send("slash_commands", payload)
        await delivery.settled.wait()
        if delivery.answer and (delivery.answer.get("text") or delivery.answer.get("blocks")):
            try:
                replies.respond(self, channel, user, delivery.answer)
            except SlackError as refused:
                self.violation("acknowledgement", str(refused), delivery.answer)
        return delivery

    async def open_home(self, user: User, tab: str = "home") -> Delivery | None:
        """Click on the app: `app_home_opened` with the tab `home` or `messages`; None when it is not sent."""
        return events.home_opened(self, user, self.open_dm(user), tab, self.homes.get(user))

    async def open_assistant(self, user: User, *, looking_at: Channel | None = None) -> Message:
        """Open the app's agent panel: a new thread in the DM and `assistant_thread_started`.

        Returns the thread's root, to be written under with `message(user, dm, …, thread=root)`.
        """
        dm = self.open_dm(user)
        root = Message(self.clock.timestamp(), user.team.bot_user_id, dm, "New Assistant Thread")
        root.bot_id, root.app_id, root.subtype = user.team.bot_id, self.app.app_id, "assistant_app_thread"
        dm.add(root)
        events.assistant_event(self, "assistant_thread_started", user, root, looking_at)
        return root
