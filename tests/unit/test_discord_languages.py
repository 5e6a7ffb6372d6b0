"""Every language says all that English says, with the same blanks, and within what Discord takes."""

import re
from string import Formatter

import pytest

from adapters.discord.commands import DISCORD_LOCALES, definitions
from core.replies import languages, sentences

OTHERS = sorted(DISCORD_LOCALES)
ENGLISH_FOR_NOW = "slack."
NAME = re.compile(r"[-_'\w]{1,32}")


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_the_languages_that_are_offered_are_there() -> None:
    assert set(OTHERS) | {"en"} == set(languages())


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_missing_or_made_up(language: str) -> None:
    english = {name: text for name, text in sentences("en").items() if not name.startswith(ENGLISH_FOR_NOW)}
    spoken = {name: text for name, text in sentences(language).items() if not name.startswith(ENGLISH_FOR_NOW)}
    translated_names = {name for name in spoken if name.startswith(("discord_command.", "discord_option."))}
    assert english.keys() - spoken.keys() == set()
    assert spoken.keys() - english.keys() - translated_names == set()
    for name, text in english.items():
        assert blanks(text) == blanks(spoken[name]), name


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_is_written_in_its_own_letters(language: str) -> None:
    letters = re.compile(r"[\u0370-\u1fff]")
    assert not [name for name, text in sentences(language).items() if letters.search(text)]


def test_commands_fit_what_discord_takes() -> None:
    for command in definitions(most_images=4):
        texts = [command]
        texts += command.get("options", [])
        for choice in (choice for option in command.get("options", []) for choice in option.get("choices", [])):
            assert all(1 <= len(name) <= 100 for name in choice.get("name_localizations", {}).values())
        for item in texts:
            assert 1 <= len(item.get("description", "-")) <= 100
            for text in item.get("description_localizations", {}).values():
                assert 1 <= len(text) <= 100, text
            for name in item.get("name_localizations", {}).values():
                if command["type"] == 1:
                    assert NAME.fullmatch(name), name
                    assert name == name.lower()
                assert 1 <= len(name) <= 32, name


def test_names_of_options_are_different_in_every_language() -> None:
    for command in definitions(most_images=4):
        for locale in ("de", "fr", "es-ES", "es-419", "ja", "pt-BR"):
            names = [
                option.get("name_localizations", {}).get(locale, option["name"])
                for option in command.get("options", [])
            ]
            assert len(set(names)) == len(names), (locale, names)


@pytest.mark.parametrize("language", ["en", *OTHERS])
def test_labels_fit_their_controls(language: str) -> None:
    spoken = sentences(language)
    for name in ("form_edit", "form_reference", "form_prompt", "form_files", "form_which"):
        assert len(spoken[f"discord.{name}"]) <= 45, name
    for name, text in spoken.items():
        if name.startswith("button."):
            assert len(text) <= 40
