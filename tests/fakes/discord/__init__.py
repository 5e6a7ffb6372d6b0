"""A Discord on loopback: REST, gateway and CDN that unmodified discord.py talks to over real sockets.

It knows nothing of any bot. What Discord permits, refuses and hides comes from simcord's model, corrected where it
differs from Discord (`world`, `rules`, `routes`). The clock is the wall clock plus an offset that tests move.

    async with FakeDiscord() as fake:
        with pointed_at(fake):                                   # or the fixture `fake_discord`, see `fixtures`
            guild = fake.guild("Studio")
            channel = fake.channel(guild, "pictures")
            alice = fake.person("alice", guild)
            ...                                                  # start a discord.Client with fake.token
            asked = await (await alice.slash(channel, "imagine", {"prompt": "a fox"})).answered()
            seen = await fake.until(lambda: fake.messages(channel, seen_by=alice))

Guild, Channel, Role, User and Message are simcord's models. A message argument is anything with `id` and `channel_id`.

FakeDiscord(token="fake-token", *, message_content=True, members=False, presences=False)   what the portal grants
  token  api_base  gateway_url  cdn_base  bot: User  application_id  world: World  clock  cdn
  message_content    settable; off: identifying with that intent closes with 4014, and REST is blanked too
  violations         list[str]: requests that break Discord's API document; they are refused with 50035 as well
  calls              list[Call]: method path template ids query headers body files status code at (monotonic);
                     `calls_to(method, template)` filters. Templates are the document's:
                     "/channels/{channel_id}/messages". `status` is 0 while a request runs, -1 when its line was cut.
                     `cdn_calls` likewise
  syncs              list[Sync(guild_id, commands)]: bulk overwrites of application commands
  pings              list[Ping(message_id, users, roles, everyone)]: who was notified by new messages
  nonces.window  cdn.link_lifetime  world.ack_deadline  world.token_lifetime      seconds, settable
  advance(seconds)   moves the clock: tokens die, links expire, nonces are forgotten
  await until(predicate, timeout=10, *, what="the condition")   its first truthy value, or AssertionError

  The place; nobody's permissions are asked, and every change is announced over the gateway:
  guild(name, *, bot=True, tier=0, shard=None, locale="en-US") -> Guild     shard=(id, count) that its id falls to
  add_bot(guild)  remove_bot(guild)
  channel(guild, name, *, nsfw=False)  dm(person)  group(*people)  thread(channel, name, *, by=None, private=False)
  person(name, *guilds, avatar=None, locale="en-US", roles=(), bot=False) -> Person
  role(guild, name, **permissions) -> Role
  allow(place, *permissions, who=None)  deny(place, *permissions, who=None)   place: channel (an overwrite) or guild;
                     who: Person, Role, None = the bot. The bot comes with what @everyone has by default, not more
  archive(thread, *, locked=False)  lock(thread)  unarchive(thread)  delete_channel(channel)  delete(message)
  close_dms(person)                         direct messages to them fail with 50007

  Looking:
  messages(channel, *, seen_by=None) -> list[Seen]     oldest first; as a person sees them, else all but private ones
  message(channel, message_id) -> Seen | None          private ones too
  threads(channel) -> list[Channel]   thread_of(message) -> Channel | None   stored(message) -> Message
  command(name, guild=None, kind=1) -> dict            as registered

Person: id  name  mention  user. What Discord's client would not let them do raises NotAllowed.
  await slash(channel, "name [group] [sub]", {option: value}) -> Invocation
                     a value is a str, int, float, bool, Upload, Person (user option) or Channel
  await autocomplete(channel, "name [sub]", option, typed, {others}) -> Invocation     its `choices`
  await message_menu(message, "Name")   await user_menu(channel, person, "Name") -> Invocation
  await press(message, label_or_custom_id)   await select(message, custom_id_or_placeholder, *values) -> Invocation
  await submit(invocation, {custom_id_or_label: str | bool | [values] | Upload | [Upload]}) -> Invocation
  send(channel, text="", *, files=(), reply_to=None, ping=True) -> Seen   edit(message, text)   delete(message)
  install()          the app is on their own account: a user install
  Upload(name, data, alt=None)

Invocation: id  token  record  acknowledged  ack_seconds  kind: ResponseKind | None  private  expired  modal  choices
  await answered(timeout=10) -> self        the callback was accepted
  original: Seen | None                     what @original is now     follow_ups: list[Seen]

Seen: id channel_id author_id content text files pictures controls labels embeds flags type reply_to interaction_id
      private loading edited pings. `text` has the text displays too; `pictures` is what is shown; control(name)
  SeenFile: id name alt content_type size url (signed when looked at) data
  Control: type custom_id label disabled values url wire

fake.faults        the first match strikes; `path` is a template or a glob over the raw path; `times=None` is always.
                   Files are faulted as ("GET", "/attachments/*")
  fail(method, path, status, *, times=1, code=0, after_effect=False)
  rate_limit(method, path, retry_after, *, times=1, scope="user", via=True)
  drop(method, path, *, times=1, after_effect=False)   delay(method, path, seconds, *, times=1)
  hold(method, path, *, times=1, after_effect=False) -> Hold     await hold.arrived(timeout=10); hold.release()
  clear()
fake.rate_limits   limit(method, template, count, per)   realistic()   refused: number of 429s from buckets
fake.gateway       sessions  connections  identifies  resumes: (session id, sequence, went well)  presences  heartbeats
  heartbeat_interval  max_concurrency  identify_window (s; 0: not enforced)  identifies_left  replay_limit
  recommended_shards
  drop(shard=None)                          cuts lines; sessions can be resumed
  close(code, shard=None)   reconnect(shard=None): op 7   invalidate(*, resumable, shard=None): op 9
  forget()                                  ends all sessions: the next resume gets op 9 false
  refuse(code, times=1)                     closes the next identify or resume
  zombie(on=True)                           lines stay up and silent; `on=False` is for new lines only
  async with outage()                       lines are cut, and new ones get their hello when the block ends
"""

from tests.fakes.discord.interactions import Invocation, NotAllowed, Upload
from tests.fakes.discord.people import Person
from tests.fakes.discord.seen import Control, Seen, SeenFile
from tests.fakes.discord.server import FakeDiscord, pointed_at

__all__ = ["Control", "FakeDiscord", "Invocation", "NotAllowed", "Person", "Seen", "SeenFile", "Upload", "pointed_at"]
