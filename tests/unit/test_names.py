"""Names in prompts: found where they are meant, and nothing else touched."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.names import NAME_CHARACTERS, folded, meant, replaced, shown, spoken
from core.turns import Person, Reference, Source, ThreadKey, Turn, TurnId
from core.wording import for_model

WILD = st.text(st.characters() | st.sampled_from("@＠<>-_ .mascot"), max_size=60)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("mascot", "mascot"),
        ("@Mascot", "mascot"),
        (" ＠ＭＡＳＣＯＴ ", "mascot"),
        ("Straße", "strasse"),
        ("лого-2", "лого-2"),
        ("マスコット", "マスコット"),
        ("शुभंकर", "शुभंकर"),
        ("2d_map", "2d_map"),
        ("x" * NAME_CHARACTERS, "x" * NAME_CHARACTERS),
        ("x" * (NAME_CHARACTERS + 1), None),
        ("", None),
        ("@", None),
        ("-dash", None),
        ("two words", None),
        ("@@mascot", None),
        ("a/b", None),
        ("🦊", None),
        ("ma\u200bscot", None),
        ("@everyone", None),
        ("ＥＶＥＲＹＯＮＥ", None),
        ("Here", None),
        ("none", None),
    ],
)
def test_a_name_has_one_spelling_or_is_none(typed: str, name: str | None) -> None:
    assert folded(typed) == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("put @mascott on a mug, and (@Лого).", ["@mascott", "@Лого"]),
        ("@mascott: waving; “@狐” and @fox's den", ["@mascott", "@狐", "@fox"]),
        ("@ 5pm or @5pm, @2x", []),
        ("<@123> <@!123> <@U123|bob> @everyone @here", []),
        ("bob@example.org, bob.@example, @example.org", []),
        ("https://a.example/@bob and mailto:@bob", []),
        ("`@property` and ```\n@cache\n```", []),
        ("@media(print), @scope/package, @bob:matrix.example, @bob@social.example", []),
        ("", []),
    ],
)
def test_what_may_be_meant_for_a_name_is_no_mention_no_address_and_no_code(text: str, words: list[str]) -> None:
    assert list(meant(text)) == words


@given(WILD)
def test_what_may_be_meant_for_a_name_is_one(text: str) -> None:
    assert all(folded(word) for word in meant(text))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("put @mascot on a mug", ["mascot"]),
        ("@Mascot's mug, with @лого.", ["mascot", "лого"]),
        ("(@mascot)", ["mascot"]),
        ("＠mascot", ["mascot"]),
        ("write to bob@mascot.org", []),
        ("<@123> and <@!123> and <@&123> and <@U123|bob>", []),
        ("@everyone @here", []),
        ("@mascots", ["mascots"]),
        ("@ mascot", []),
        ("@@mascot", []),
    ],
)
def test_a_prompt_speaks_of_names_where_an_at_begins_a_word(text: str, names: list[str]) -> None:
    assert [found.name for found in spoken(text)] == names


def test_only_known_names_are_replaced() -> None:
    words = {"mascot": "mascot (image 2)"}
    assert replaced("@Mascot and @bob", words.get) == "mascot (image 2) and @bob"


@given(WILD)
def test_no_text_loses_a_character_that_is_no_name(text: str) -> None:
    assert replaced(text, lambda _: None) == text
    pieces = [text[found.start : found.end] for found in spoken(text)]
    assert all(folded(piece) for piece in pieces)
    left = replaced(text, lambda _: "")
    assert len(left) == len(text) - sum(map(len, pieces))


@given(WILD)
def test_a_name_folds_to_itself_and_calls_nobody(text: str) -> None:
    name = folded(text)
    if name is not None:
        assert folded(name) == name
        assert len(name) <= NAME_CHARACTERS
        assert not set(name) & set(string.whitespace + "@<>&!|*~`[]()#:/\\")
        assert name not in {"everyone", "here", "channel"}
        assert folded(shown(text)) == name


def turn(prompt: str, *references: Reference, addition: str = "") -> Turn:
    thread, author = ThreadKey("fake", "w", "c"), Person("fake", "w", "ada")
    return Turn(TurnId("fake:w:1"), thread, author, prompt, 0.0, references=references, addition=addition)


OWN = Reference("photo.png", message="m", attachment="1")
MASCOT, LOGO = (Reference(name, attachment=name, source=Source.SAVED) for name in ("@Mascot", "@logo"))


def test_the_model_reads_names_as_words_with_the_number_of_their_picture() -> None:
    assert for_model(turn("@mascot waves, @bob looks on", OWN, MASCOT)) == "Mascot (image 2) waves, @bob looks on"


def test_a_picture_that_was_left_out_has_no_number_and_changes_nobody_elses() -> None:
    asked = turn("@mascot and @logo", MASCOT, LOGO)
    assert for_model(asked, (LOGO,)) == "Mascot and logo (image 2)"


def test_the_words_of_a_style_come_after_the_prompt_and_may_speak_of_names() -> None:
    asked = turn("a fox", MASCOT, addition="in the look of @mascot")
    assert for_model(asked) == "a fox\n\nin the look of Mascot (image 1)"
