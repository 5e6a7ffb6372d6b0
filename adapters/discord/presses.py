"""A press of a button of ours, and what it is about."""

from dataclasses import dataclass

from adapters.discord.desk import Desk, person_of
from adapters.discord.events import Interaction
from adapters.discord.permissions import check_editor, moderates
from adapters.discord.posts import Post
from core.errors import Declined
from core.turns import ImageRef, ThreadKey


@dataclass(frozen=True, slots=True)
class Press:
    """One press of a button of ours. `what` names the effect that is to happen once, however many press.

    `index` is which of the turn's pictures it is about.
    """

    desk: Desk
    interaction: Interaction
    post: Post
    what: str
    index: int = 0

    @property
    def image(self) -> ImageRef:
        """The picture that it is about."""
        return ImageRef(self.post.turn.id, self.index)

    @property
    def locale(self) -> str:
        """The language of who pressed."""
        return self.interaction.locale

    @property
    def moderator(self) -> bool:
        """Whether who pressed moderates here."""
        return moderates(self.interaction.permissions)

    @property
    def thread(self) -> ThreadKey:
        """The conversation of the turn."""
        return self.post.thread or self.post.turn.thread

    @property
    def alone(self) -> bool:
        """Whether only who pressed sees the picture, or the app may not post here by itself."""
        return self.interaction.visiting or self.post.turn.options.private

    async def check_editor(self) -> None:
        """Raise `Declined` where the server keeps this picture for others to edit."""
        settings = await self.desk.settings.of(self.interaction.guild_id)
        check_editor(settings, self.post.turn, person_of(self.interaction), moderator=self.moderator)

    async def once(self) -> None:
        """Raise `Declined` where somebody, or the same person, has just pressed this."""
        if not await self.desk.posts.press(self.what, self.interaction.id):
            raise Declined("discord.just_pressed")
