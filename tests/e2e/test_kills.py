"""A few of the kills of `python -m tests.chaos`, in every run of the tests."""

import random

import pytest

from tests.chaos.driver import LOSES_ANSWERS, STEPS, kill_everywhere

SEED = 20
SUBSET = tuple(random.Random(SEED).sample([step for step in STEPS if step not in ("sending", *LOSES_ANSWERS)], k=4))


@pytest.mark.timeout(280)
async def test_a_bot_killed_at_any_step_delivers_once_all_the_same() -> None:
    outcomes = await kill_everywhere((*SUBSET, "answer lost"), times=1, at_once=5)
    assert all(outcome.killed for outcome in outcomes), outcomes
    assert not [outcome for outcome in outcomes if outcome.lost or outcome.doubled or outcome.submits != 1], outcomes
    assert all(outcome.ended == "done" for outcome in outcomes), outcomes
