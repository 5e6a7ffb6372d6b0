"""What a member may do in a channel, counted as Discord counts it."""

import pytest

from adapters.discord.events import Channel, Roles
from adapters.discord.permissions import ADMINISTRATOR, READ_BACK, VIEW, permissions_in, reads_back

BOTH = VIEW | READ_BACK
MODS, GUESTS, ADMINS = "2", "3", "4"
SERVER = Roles.model_validate(
    {
        "id": "1",
        "owner_id": "99",
        "roles": [
            {"id": "1", "permissions": str(BOTH)},
            {"id": MODS, "permissions": "0"},
            {"id": GUESTS, "permissions": "0"},
            {"id": ADMINS, "permissions": str(ADMINISTRATOR)},
        ],
    }
)


def channel(*overwrites: tuple[str, int, int]) -> Channel:
    told = [{"id": one, "type": 0, "allow": str(allow), "deny": str(deny)} for one, allow, deny in overwrites]
    return Channel.model_validate({"id": "5", "permission_overwrites": told})


CLOSED = ("1", 0, READ_BACK)


@pytest.mark.parametrize(
    ("overwrites", "roles", "reads"),
    [
        ([], [], True),
        ([CLOSED], [], False),
        ([CLOSED, (MODS, READ_BACK, 0)], [], False),
        ([CLOSED, (MODS, READ_BACK, 0)], [MODS], True),
        ([(GUESTS, 0, VIEW)], [GUESTS], False),
        ([(GUESTS, 0, READ_BACK), (MODS, READ_BACK, 0)], [GUESTS, MODS], True),
        ([(GUESTS, 0, READ_BACK), ("7", READ_BACK, 0)], [GUESTS], True),
        ([(MODS, READ_BACK, 0), ("7", 0, READ_BACK)], [MODS], False),
        ([CLOSED, ("8", READ_BACK, 0)], [], False),
        ([CLOSED, ("7", 0, BOTH)], [ADMINS], True),
    ],
)
def test_overwrites_of_everybody_give_way_to_roles_and_those_to_the_member(
    overwrites: list[tuple[str, int, int]], roles: list[str], *, reads: bool
) -> None:
    assert reads_back(permissions_in(channel(*overwrites), SERVER, "7", roles)) is reads


def test_the_owner_may_do_everything() -> None:
    assert reads_back(permissions_in(channel(CLOSED, ("99", 0, BOTH)), SERVER, "99", ()))
