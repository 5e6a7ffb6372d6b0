"""What is fetched, from where, and what is not. Real servers, on loopback; only names and routes are made up."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import httpcore
import httpx
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from core.fetching import Fetcher, FetchFailed, FetchProblem
from core.fetching.public_network import is_public, resolve_host

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
GIVEN, OTHER, STRANGER = "pictures.example", "more.example", "stranger.example"
PUBLIC = "93.184.216.34"
LOOK_ALIKE = GIVEN.replace("e", "\N{CYRILLIC SMALL LETTER IE}")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def serve_picture(request: web.Request) -> web.StreamResponse:
    return web.Response(body=PICTURE, content_type="image/png")


class Server:
    """A web server whose every path does what a test says. Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.handlers: dict[str, Handler] = {"/fox.png": serve_picture}
        self.port = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/fox.png") -> str:
        return f"http://{self.place}{path}"

    def answers(self, path: str, **response: object) -> None:
        async def handler(_: web.Request) -> web.StreamResponse:
            return web.Response(**response)  # type: ignore[arg-type]

        self.handlers[path] = handler

    def redirects(self, path: str, to: str) -> None:
        self.answers(path, status=302, headers={"Location": to})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        handler = self.handlers.get(request.path)
        return await handler(request) if handler else web.Response(status=404)


async def running(server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    application = web.Application()
    application.router.add_get("/{path:.*}", server.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async for one in running(Server()):
        yield one


@pytest.fixture
async def other_server() -> AsyncIterator[Server]:
    async for one in running(Server()):
        yield one


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with Fetcher([GIVEN]) as one:
        yield one


async def failure(fetching: Awaitable[bytes]) -> FetchFailed:
    with pytest.raises(FetchFailed) as failed:
        await fetching
    return failed.value


# ── Hosts that we know ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_of_a_known_host_is_fetched_with_our_credentials(server: Server, fetcher: Fetcher) -> None:
    headers = {"Authorization": "Bearer secret"}
    assert await fetcher.fetch_trusted(server.url(), [server.place], headers=headers) == PICTURE
    assert server.asked[0].headers["Authorization"] == "Bearer secret"
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/fox.png",
        "http://localhost:{port}/fox.png",
        "http://127.0.0.1.example:{port}/fox.png",
        "http://user:secret@127.0.0.1:{port}/fox.png",
        "http://example.com/fox.png",
        "ftp://127.0.0.1:{port}/fox.png",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/fox.png",
        "",
        "http://[::1",
        "http://127.0.0.1:{port}\n.example/",
        "https://\udc80/",
    ],
)
async def test_no_other_host_port_or_scheme_is_asked(server: Server, fetcher: Fetcher, url: str) -> None:
    allowed = [server.place, "example.com", "example.com:80"]
    failed = await failure(fetcher.fetch_trusted(url.replace("{port}", str(server.port)), allowed))
    assert failed.problem is FetchProblem.NOT_ALLOWED
    assert not failed.retryable
    assert not server.asked


async def test_a_redirect_to_a_known_host_is_followed_without_our_credentials(
    server: Server, other_server: Server, fetcher: Fetcher
) -> None:
    server.redirects("/moved", "/fox")
    server.redirects("/fox", other_server.url())
    headers, allowed = {"Authorization": "Bearer secret"}, [server.place, other_server.place]
    assert await fetcher.fetch_trusted(server.url("/moved"), allowed, headers=headers) == PICTURE
    assert [request.headers.get("Authorization") for request in server.asked] == ["Bearer secret"] * 2
    assert "Authorization" not in other_server.asked[0].headers


async def test_credentials_do_not_come_back_with_the_redirect(
    server: Server, other_server: Server, fetcher: Fetcher
) -> None:
    server.redirects("/moved", other_server.url("/back"))
    other_server.redirects("/back", server.url())
    headers, allowed = {"Authorization": "Bearer secret"}, [server.place, other_server.place]
    assert await fetcher.fetch_trusted(server.url("/moved"), allowed, headers=headers) == PICTURE
    assert "Authorization" not in server.asked[1].headers


async def test_a_redirect_to_another_host_is_not_followed(
    server: Server, other_server: Server, fetcher: Fetcher
) -> None:
    server.redirects("/moved", other_server.url())
    failed = await failure(fetcher.fetch_trusted(server.url("/moved"), [server.place]))
    assert failed.problem is FetchProblem.NOT_ALLOWED
    assert not other_server.asked


async def test_a_redirect_without_end_is_given_up(server: Server, fetcher: Fetcher) -> None:
    server.redirects("/round", "/round")
    failed = await failure(fetcher.fetch_trusted(server.url("/round"), [server.place]))
    assert failed.problem is FetchProblem.BAD_ANSWER
    assert len(server.asked) < 10


@pytest.mark.parametrize(
    ("status", "problem", "retryable"),
    [
        (401, FetchProblem.DENIED, False),
        (403, FetchProblem.GONE, False),
        (404, FetchProblem.GONE, False),
        (410, FetchProblem.GONE, False),
        (429, FetchProblem.BUSY, True),
        (500, FetchProblem.BUSY, True),
        (503, FetchProblem.BUSY, True),
        (204, FetchProblem.BAD_ANSWER, False),
        (206, FetchProblem.BAD_ANSWER, False),
        (304, FetchProblem.BAD_ANSWER, False),
        (418, FetchProblem.BAD_ANSWER, False),
    ],
)
async def test_every_status_has_its_meaning(
    server: Server, fetcher: Fetcher, status: int, problem: FetchProblem, retryable: bool
) -> None:
    server.answers("/odd", status=status)
    failed = await failure(fetcher.fetch_trusted(server.url("/odd"), [server.place]))
    assert (failed.problem, failed.status, failed.retryable) == (problem, status, retryable)


async def test_a_login_page_is_no_picture(server: Server, fetcher: Fetcher) -> None:
    server.answers("/login", text="<!DOCTYPE html><html>Sign in</html>", content_type="image/png")
    failed = await failure(fetcher.fetch_trusted(server.url("/login"), [server.place]))
    assert failed.problem is FetchProblem.LOGIN_PAGE


async def test_a_picture_is_a_picture_whatever_its_header_says(server: Server, fetcher: Fetcher) -> None:
    server.answers("/fox", body=PICTURE, content_type="text/html")
    assert await fetcher.fetch_trusted(server.url("/fox"), [server.place]) == PICTURE


async def test_packed_content_is_not_unpacked(server: Server, fetcher: Fetcher) -> None:
    server.answers("/bomb", body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    failed = await failure(fetcher.fetch_trusted(server.url("/bomb"), [server.place]))
    assert failed.problem is FetchProblem.BAD_ANSWER


async def test_a_file_of_exactly_the_limit_is_taken(server: Server, fetcher: Fetcher) -> None:
    assert await fetcher.fetch_trusted(server.url(), [server.place], max_bytes=len(PICTURE)) == PICTURE


async def test_a_file_that_says_it_is_too_large_is_not_read(server: Server, fetcher: Fetcher) -> None:
    failed = await failure(fetcher.fetch_trusted(server.url(), [server.place], max_bytes=len(PICTURE) - 1))
    assert failed.problem is FetchProblem.TOO_LARGE


async def test_a_file_that_never_ends_is_cut_off(server: Server, fetcher: Fetcher) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(10_000))
                sent += 10_000
        except ConnectionError:
            return response

    server.handlers["/endless"] = endless
    failed = await failure(fetcher.fetch_trusted(server.url("/endless"), [server.place], max_bytes=50_000))
    assert failed.problem is FetchProblem.TOO_LARGE
    assert sent < 50_000_000


async def test_a_file_that_trickles_is_given_up_in_time(server: Server, fetcher: Fetcher) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b".")
                await asyncio.sleep(0.01)
        except ConnectionError:
            return response

    server.handlers["/trickle"] = trickle
    failed = await failure(fetcher.fetch_trusted(server.url("/trickle"), [server.place], seconds=0.2))
    assert failed.problem is FetchProblem.TIMEOUT
    assert failed.retryable


async def test_a_file_that_breaks_off_is_not_taken_for_whole(server: Server, fetcher: Fetcher) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport
        request.transport.close()
        return response

    server.handlers["/broken"] = broken
    failed = await failure(fetcher.fetch_trusted(server.url("/broken"), [server.place]))
    assert failed.problem is FetchProblem.NETWORK
    assert failed.retryable


async def test_a_host_that_does_not_answer_is_a_network_failure(fetcher: Fetcher, server: Server) -> None:
    dead = "127.0.0.1:1"
    failed = await failure(fetcher.fetch_trusted(f"http://{dead}/fox.png", [dead]))
    assert failed.problem is FetchProblem.NETWORK


async def test_a_fresh_link_is_waited_for(server: Server, fetcher: Fetcher) -> None:
    answers = iter([404, 503, 200])

    async def soon(request: web.Request) -> web.StreamResponse:
        return web.Response(status=next(answers), body=PICTURE)

    server.handlers["/fresh"] = soon
    link = server.url("/fresh")
    assert await fetcher.fetch_trusted(link, [server.place], short_retries=(0.01, 0.01)) == PICTURE


async def test_a_link_that_stays_dead_is_given_up_after_its_retries(server: Server, fetcher: Fetcher) -> None:
    fetching = fetcher.fetch_trusted(server.url("/dead"), [server.place], short_retries=(0.01, 0.01))
    assert (await failure(fetching)).problem is FetchProblem.GONE
    assert len(server.asked) == 3


async def test_what_no_waiting_changes_is_not_tried_again(server: Server, fetcher: Fetcher) -> None:
    fetching = fetcher.fetch_trusted(server.url(), [server.place], max_bytes=10, short_retries=(0.01, 0.01))
    assert (await failure(fetching)).problem is FetchProblem.TOO_LARGE
    assert len(server.asked) == 1


async def test_the_time_limit_covers_the_waits(server: Server, fetcher: Fetcher) -> None:
    fetching = fetcher.fetch_trusted(server.url("/dead"), [server.place], seconds=0.1, short_retries=(60.0,))
    assert (await failure(fetching)).problem is FetchProblem.TIMEOUT


async def test_no_cookie_is_kept(server: Server, fetcher: Fetcher) -> None:
    server.answers("/cookie", body=PICTURE, headers={"Set-Cookie": "session=1; Path=/"})
    for _ in range(2):
        await fetcher.fetch_trusted(server.url("/cookie"), [server.place])
    assert "Cookie" not in server.asked[1].headers


async def test_a_failure_does_not_carry_the_link(server: Server, fetcher: Fetcher) -> None:
    failed = await failure(fetcher.fetch_trusted(server.url("/dead?signature=secret"), [server.place]))
    assert "secret" not in f"{failed} {failed!r}"


# ── Links that people gave ──────────────────────────────────────────────────────────────────────────────────────────


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """A certificate that vouches for itself and the names, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
    public.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain, pkcs8 = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    return public, private


class Internet(httpcore.AsyncNetworkBackend):
    """Where every public address is one server on loopback. Remembers which addresses were called."""

    def __init__(self, names: dict[str, list[Sequence[str]]], port: int) -> None:
        self.names = names
        self.port = port
        self.called: list[tuple[str, int]] = []
        self.dead: set[str] = set()

    async def resolve(self, host: str) -> Sequence[str]:
        """The next answer for a host; the last one for good."""
        if host not in self.names:
            raise OSError
        answers = self.names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.called.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectError
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port, timeout)


@pytest.fixture
async def internet(tmp_path: Path) -> AsyncIterator[tuple[Server, Internet, Fetcher]]:
    public, private = certificate(tmp_path, GIVEN, OTHER)
    identity = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    identity.load_cert_chain(public, private)
    trust = ssl.create_default_context(cafile=str(public))
    names: dict[str, list[Sequence[str]]] = {GIVEN: [[PUBLIC]], OTHER: [[PUBLIC]], STRANGER: [[PUBLIC]]}
    async for server in running(Server(), identity):
        network = Internet(names, server.port)
        async with Fetcher([GIVEN.upper(), OTHER], tls=trust, resolve=network.resolve, network=network) as fetcher:
            yield server, network, fetcher


InternetFixture = tuple[Server, Internet, Fetcher]


async def test_a_given_link_is_fetched_from_the_address_that_was_checked(internet: InternetFixture) -> None:
    server, network, fetcher = internet
    network.names[GIVEN] = [[PUBLIC], ["127.0.0.1"]]
    assert await fetcher.fetch_given(f"https://{GIVEN}/fox.png") == PICTURE
    assert network.called == [(PUBLIC, 443)]
    assert server.asked[0].headers["Host"] == GIVEN


@pytest.mark.parametrize(
    "url",
    [
        f"http://{GIVEN}/fox.png",
        f"https://{STRANGER}/fox.png",
        f"https://{GIVEN}:8443/fox.png",
        f"https://{GIVEN}.{STRANGER}/fox.png",
        f"https://x.{GIVEN}/fox.png",
        f"https://{GIVEN}./fox.png",
        f"https://me@{GIVEN}/fox.png",
        f"https://{GIVEN}@{STRANGER}/fox.png",
        f"https://{STRANGER}#@{GIVEN}/fox.png",
        f"https://{STRANGER}\\@{GIVEN}/fox.png",
        f"https://{PUBLIC}/fox.png",
        "https://127.0.0.1/fox.png",
        "https://[::1]/fox.png",
        "https://2130706433/fox.png",
        "https://0x7f.1/fox.png",
        "https://0177.0.0.1/fox.png",
        "https://127。0。0。1/fox.png",
        "https://[::ffff:127.0.0.1]/fox.png",
        f"https://{LOOK_ALIKE}/fox.png",
        f"https://{GIVEN}%2e{STRANGER}/fox.png",
        f"https://{GIVEN}%00.{STRANGER}/fox.png",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
    ],
)
async def test_no_other_link_is_followed(internet: InternetFixture, url: str) -> None:
    _, network, fetcher = internet
    assert (await failure(fetcher.fetch_given(url))).problem is FetchProblem.NOT_ALLOWED
    assert not network.called
    assert not fetcher.may_fetch(url)


@given(url=st.text(max_size=80) | st.text(max_size=40).map(lambda text: "https://" + text))
def test_whatever_a_person_gives_as_a_link_is_refused_in_words(url: str) -> None:
    async def fetch() -> FetchFailed:
        async with Fetcher(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as fetcher:
            return await failure(fetcher.fetch_given(url))

    assert asyncio.run(fetch()).problem is FetchProblem.NOT_ALLOWED


NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.216.34",
    "64:ff9b::7f00:1",
    "64:ff9b::5db8:d822",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_an_address_that_is_not_public_is_not_called(internet: InternetFixture, address: str) -> None:
    _, network, fetcher = internet
    network.names[GIVEN] = [[PUBLIC, address]]
    assert (await failure(fetcher.fetch_given(f"https://{GIVEN}/fox.png"))).problem is FetchProblem.NOT_ALLOWED
    assert not network.called


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::5e"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


async def test_the_next_address_is_tried_where_one_is_dead(internet: InternetFixture) -> None:
    _, network, fetcher = internet
    network.names[GIVEN] = [["2606:4700:4700::1111", PUBLIC]]
    network.dead = {"2606:4700:4700::1111"}
    assert await fetcher.fetch_given(f"https://{GIVEN}/fox.png") == PICTURE
    network.dead.add(PUBLIC)
    assert (await failure(fetcher.fetch_given(f"https://{OTHER}/fox.png"))).problem is FetchProblem.NETWORK


@pytest.mark.parametrize("names", [{}, {GIVEN: [[]]}])
async def test_a_name_without_address_is_a_network_failure(
    internet: InternetFixture, names: dict[str, list[Sequence[str]]]
) -> None:
    _, network, fetcher = internet
    network.names = names
    assert (await failure(fetcher.fetch_given(f"https://{GIVEN}/fox.png"))).problem is FetchProblem.NETWORK


async def test_a_redirect_of_a_given_link_is_checked_anew(internet: InternetFixture) -> None:
    server, network, fetcher = internet
    server.redirects("/moved", f"https://{OTHER}/fox.png")
    assert await fetcher.fetch_given(f"https://{GIVEN}/moved") == PICTURE
    assert [request.headers["Host"] for request in server.asked] == [GIVEN, OTHER]
    network.names[OTHER] = [["10.0.0.1"]]
    server.redirects("/inside", f"https://{STRANGER}/fox.png")
    assert (await failure(fetcher.fetch_given(f"https://{GIVEN}/inside"))).problem is FetchProblem.NOT_ALLOWED


async def test_a_redirect_to_a_name_at_a_private_address_is_not_followed(internet: InternetFixture) -> None:
    server, network, fetcher = internet
    network.names[OTHER] = [["192.168.1.1"]]
    server.redirects("/moved", f"https://{OTHER}/fox.png")
    assert (await failure(fetcher.fetch_given(f"https://{GIVEN}/moved"))).problem is FetchProblem.NOT_ALLOWED
    assert len(server.asked) == 1


@pytest.mark.parametrize("target", [f"http://{GIVEN}/fox.png", f"https://{GIVEN}:444/fox.png", "https://10.0.0.1/"])
async def test_no_redirect_leads_out_of_what_is_allowed(internet: InternetFixture, target: str) -> None:
    server, network, fetcher = internet
    server.redirects("/moved", target)
    assert (await failure(fetcher.fetch_given(f"https://{GIVEN}/moved"))).problem is FetchProblem.NOT_ALLOWED
    assert network.called == [(PUBLIC, 443)]


def test_a_name_in_other_letters_is_the_one_it_is_written_as_on_the_wire() -> None:
    fetcher = Fetcher(["xn--bcher-kva.example"], tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert fetcher.may_fetch("https://bücher.example/fuchs.png")
    assert not fetcher.may_fetch("https://bucher.example/fuchs.png")


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"Content-Length: abc\r\n", FetchProblem.NETWORK),
        (b"Content-Length: -1\r\n", FetchProblem.NETWORK),
        (b"Content-Length: 99999999999999\r\n", FetchProblem.TOO_LARGE),
        (b"Content-Length: 1\r\nContent-Length: 2\r\n", FetchProblem.NETWORK),
        (b"Transfer-Encoding: gzip\r\n", FetchProblem.NETWORK),
        (b"X: " + b"x" * 200_000 + b"\r\n", FetchProblem.NETWORK),
    ],
)
async def test_a_server_that_lies_about_its_file_is_not_believed(
    fetcher: Fetcher, head: bytes, problem: FetchProblem
) -> None:
    async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + PICTURE)
        writer.close()

    async with await asyncio.start_server(lie, "127.0.0.1", 0) as liar:
        place = f"127.0.0.1:{liar.sockets[0].getsockname()[1]}"
        assert (await failure(fetcher.fetch_trusted(f"http://{place}/fox.png", [place]))).problem is problem


async def test_a_server_that_is_not_who_it_should_be_is_not_believed(internet: InternetFixture) -> None:
    server, network, _ = internet
    async with Fetcher([STRANGER], resolve=network.resolve, network=network) as unbelieving:
        failed = await failure(unbelieving.fetch_given(f"https://{STRANGER}/fox.png"))
    assert failed.problem is FetchProblem.NETWORK
    assert not server.asked


async def test_a_certificate_of_another_name_is_not_believed(internet: InternetFixture, tmp_path: Path) -> None:
    server, network, _ = internet
    trust = ssl.create_default_context(cafile=str(tmp_path / f"{GIVEN}.pem"))
    async with Fetcher([STRANGER], tls=trust, resolve=network.resolve, network=network) as fetcher:
        failed = await failure(fetcher.fetch_given(f"https://{STRANGER}/fox.png"))
    assert failed.problem is FetchProblem.NETWORK
    assert not server.asked


async def test_a_given_file_is_capped_in_bytes_and_time(internet: InternetFixture) -> None:
    server, _, fetcher = internet

    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    server.handlers["/hang"] = hang
    link = f"https://{GIVEN}"
    assert (await failure(fetcher.fetch_given(f"{link}/fox.png", max_bytes=10))).problem is FetchProblem.TOO_LARGE
    assert (await failure(fetcher.fetch_given(f"{link}/hang", seconds=0.2))).problem is FetchProblem.TIMEOUT
    assert (await failure(fetcher.fetch_given(f"{link}/none"))).problem is FetchProblem.GONE


async def test_the_system_resolves_names() -> None:
    assert set(await resolve_host("localhost")) <= {"127.0.0.1", "::1"}


async def test_no_proxy_of_the_environment_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with Fetcher(tls=httpx.create_ssl_context()) as fetcher:
        assert await fetcher.fetch_trusted(server.url(), [server.place]) == PICTURE
