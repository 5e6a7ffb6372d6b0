"""`views.*`: modals behind a trigger, their stack, and the Home tab."""

import secrets

from tests.fakes.slack.blocks import view_problems
from tests.fakes.slack.call import Call, SlackError, method
from tests.fakes.slack.core import Core, Trigger
from tests.fakes.slack.model import Json, Token, User, View

DEEPEST_STACK = 3


def checked_view(core: Core, name: str, token: Token, view: object, *, kind: str) -> Json:
    """The view, when Slack would take it.

    Raises:
        SlackError: `invalid_arguments` or `view_too_large`; every problem is kept in `violations`.
    """
    problems = view_problems(view, lambda reference: core.files.image_problem(token, reference), kind=kind)
    for problem in problems:
        core.violation(name, problem, view)
    if any("view_too_large" in problem for problem in problems):
        raise SlackError("view_too_large")
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise SlackError("invalid_arguments", response_metadata={"messages": messages})
    assert isinstance(view, dict)
    blocks = [{"block_id": f"b{number}", **block} for number, block in enumerate(view["blocks"])]
    return {**view, "blocks": blocks}


def _exchanged(call: Call) -> User:
    """The person behind a trigger: within 3 seconds and once."""
    value = call.needs("trigger_id")
    trigger: Trigger | None = call.core.triggers.get(value)
    if trigger is None or trigger.user.team not in call.token.teams:
        raise SlackError("invalid_trigger_id")
    if trigger.exchanged:
        raise SlackError("exchanged_trigger_id")
    if trigger.expires_at <= call.core.clock.now():
        raise SlackError("expired_trigger_id")
    trigger.exchanged = True
    return trigger.user


def new_view(core: Core, user: User, content: Json, previous: View | None = None) -> View:
    view_id = core.new_id("V")
    root = previous.root_id if previous else view_id
    return View(view_id, user, content, _hash(core), root, previous.id if previous else None)


def _hash(core: Core) -> str:
    return f"{int(core.clock.now())}.{secrets.token_hex(4)}"


@method("views.open", tier=4)
async def open_view(call: Call) -> Json:
    content = checked_view(call.core, call.method, call.token, call.args.get("view"), kind="modal")
    user = _exchanged(call)
    view = new_view(call.core, user, content)
    call.core.modals[user] = [view]
    return {"view": call.core.view_json(view)}


@method("views.push", tier=4)
async def push_view(call: Call) -> Json:
    content = checked_view(call.core, call.method, call.token, call.args.get("view"), kind="modal")
    user = _exchanged(call)
    stack = call.core.modals.get(user) or []
    if not stack:
        raise SlackError("not_found")
    if len(stack) >= DEEPEST_STACK:
        raise SlackError("push_limit_reached")
    stack.append(new_view(call.core, user, content, stack[-1]))
    return {"view": call.core.view_json(stack[-1])}


@method("views.update", tier=4)
async def update_view(call: Call) -> Json:
    wanted, external = call.args.get("view_id"), call.args.get("external_id")
    everything = [view for stack in call.core.modals.values() for view in stack]
    view = next(
        (v for v in everything if v.id == wanted or (external and v.content.get("external_id") == external)), None
    )
    if view is None or view.user.team not in call.token.teams:
        raise SlackError("not_found")
    replace_content(call.core, call.method, call.token, view, call.args)
    return {"view": call.core.view_json(view)}


def replace_content(core: Core, name: str, token: Token, view: View, args: Json) -> None:
    """New blocks into an open view, if the caller's `hash` is the current one."""
    if args.get("hash") and args["hash"] != view.hash:
        raise SlackError("hash_conflict")
    view.content = checked_view(core, name, token, args.get("view"), kind=str(view.content["type"]))
    view.hash, view.errors = _hash(core), {}
    core.happened()


@method("views.publish", tier=4)
async def publish_view(call: Call) -> Json:
    user = call.user("user_id")
    if user.deleted:
        raise SlackError("not_enabled")
    known = call.core.homes.get(user)
    if known is not None:
        replace_content(call.core, call.method, call.token, known, call.args)
        return {"view": call.core.view_json(known)}
    content = checked_view(call.core, call.method, call.token, call.args.get("view"), kind="home")
    call.core.homes[user] = new_view(call.core, user, content)
    return {"view": call.core.view_json(call.core.homes[user])}
