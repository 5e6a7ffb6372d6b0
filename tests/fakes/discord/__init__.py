"""A Discord on loopback: REST, gateway and CDN that unmodified discord.py talks to over real sockets.

It knows nothing of any bot. What Discord permits, refuses and hides comes from simcord's model, corrected where it
differs from Discord (see `world`, `rules`, `routes`). The clock is the wall clock plus an offset that tests move.

    async with FakeDiscord() as fake, pointed_at(fake):          # or the fixture `fake_discord`, see `fixtures`
        guild = fake.guild("Studio")
        channel = fake.channel(guild, "pictures")
        alice = fake.person("alice", guild)
        ... start a discord.Client with fake.token ...
        asked = await alice.slash(channel, "imagine", {"prompt": "a fox"})
        await asked.answered()
        seen = await fake.until(lambda: fake.messages(channel, seen_by=alice))

FakeDiscord(token="fake-token", *, message_content=True, members=False, presences=False)   the three portal switches
  .token .api_base .gateway_url .cdn_base .bot (simcord User) .application_id .world (simcord Backend) .clock
  .message_content  bool: the portal's switch; off: identifying with that intent closes with 4014, REST is blanked
  .violations       list[str]: requests that break Discord's API document (also refused with 50035)
  .calls            list[Call]; `calls_to(method, template)` filters. Call: method template path query body files
                    status code at headers. Templates are the API document's: "/channels/{channel_id}/messages"
  .syncs            list[Sync(guild_id, commands)]: bulk overwrites of application commands
  .pings            list[Ping(message_id, users, roles, everyone)]: who was really notified
  .nonce_window .link_lifetime .ack_deadline .token_lifetime   seconds
  advance(seconds)                          moves the clock: tokens die, links expire, nonces are forgotten
  await until(predicate, timeout=10)        the predicate's first truthy value; AssertionError after `timeout` seconds
  The place (nobody's permissions are asked; every change is announced over the gateway):
  guild(name, *, bot=True, tier=0, shard=None, locale="en-US") · add_bot(guild) · remove_bot(guild)
  channel(guild, name, *, nsfw=False) · dm(person) · group(*people) · thread(channel, name, *, by=None, private=False)
  person(name, *guilds, avatar=None, locale="en-US", roles=()) · role(guild, name, **permissions)
  allow(place, *permissions, who=None) · deny(place, *permissions, who=None)   place: channel (an overwrite) or guild
                    (bot's or everyone's role); who: Person, Role, None = the bot. Names as in discord.Permissions
  archive(thread, *, locked=False) · lock(thread) · unarchive(thread) · delete_channel(channel) · delete(message)
  close_dms(person)                         messages to them fail with 50007
  Looking:
  messages(channel, *, seen_by=None) -> list[Seen], oldest first; as that person sees them, else all but private ones
  message(channel, message_id) -> Seen | None · threads(channel) -> list[Channel]
  command(name, guild=None, type=1) -> dict: as registered

Person: .id .name .mention .user
  await slash(channel, "name [sub]", {"option": value}) -> Invocation    an attachment option's value is Upload(...)
  await autocomplete(channel, "name", option, typed, {others}) -> Invocation (its .choices)
  await message_menu(message, "Name") · user_menu(channel, person_or_bot_id, "Name") -> Invocation
  await press(message, "label or custom_id") · select(message, custom_id, *values) -> Invocation
  await submit(invocation, {"custom_id or label": str | bool | [values] | Upload | [Upload]}) -> Invocation
  install()                                 this person has installed the app for themselves (user install)
  send(channel, text="", *, files=(), reply_to=None, ping=True, alts=()) -> Seen · edit(message, text) · delete(message)
  All raise NotAllowed when Discord's client would not let them.
  Upload(name, data, alt=None).

Invocation: .id .token .kind (ResponseKind | None) .acknowledged .ack_seconds .private .modal .choices .expired
  await answered(timeout=10) -> self      the callback arrived
  original -> Seen | None                 what @original is now (None: none yet, or deleted); follow_ups -> list[Seen]

Seen: .id .channel_id .author_id .content .text (content and text displays) .files .pictures .controls .embeds .flags
  .reply_to .private .loading .edited .type .pings .nonce · control(label_or_custom_id) · labels
  SeenFile: .id .name .data .alt .content_type .size .url (signed now)
  Control: .type .custom_id .label .disabled .values .url .wire

fake.faults (first match wins; `path` is a template or a glob over the raw path; `times=None` is always):
  fail(method, path, status, *, times=1, code=0, after_effect=False)
  rate_limit(method, path, retry_after, *, times=1, scope="user", via=True)
  drop(method, path, *, times=1, after_effect=False) · delay(method, path, seconds, *, times=1)
  hold(method, path, *, after_effect=False) -> Hold: `await hold.arrived()`, then `hold.release()` · clear()
fake.rate_limits: limit(method, template, count, per) · realistic() · .refused (number of 429 from buckets)
fake.gateway: .sessions .identifies .resumes .presences .heartbeats .connections
  .heartbeat_interval (s) .max_concurrency .identify_window (s, 0: not enforced) .identifies_left .replay_limit
  drop(shard=None) cuts the line, the session can be resumed · close(code, shard=None) · reconnect(shard=None) op 7
  invalidate(resumable, shard=None) op 9 · forget() all sessions: the next resume gets op 9 false
  refuse(code, times=1) the next identify or resume is closed with `code` · zombie(on=True) nothing is answered or sent
  async with outage(): lines are cut and new ones wait until the block ends
"""

from tests.fakes.discord.interactions import Invocation, NotAllowed, Upload
from tests.fakes.discord.people import Person
from tests.fakes.discord.seen import Control, Seen, SeenFile
from tests.fakes.discord.server import FakeDiscord, pointed_at

__all__ = ["Control", "FakeDiscord", "Invocation", "NotAllowed", "Person", "Seen", "SeenFile", "Upload", "pointed_at"]
