"""Rules of the house that no tool knows: the size of modules, their names, and what the project may not speak of.

Who may import whom is in pyproject.toml, for import-linter.
"""

import re
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST = 400
LONG = 300
"""Lines from which on a module had better be one idea."""
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

# Written so that these patterns do not find themselves.
FORBIDDEN = {
    "a path of one machine": r"/(?:w[o]rk|r[o]ot|Us[e]rs|h[o]me)/[\w.]|/tmp/br[i]ef",
    "the address of a package registry": (
        r"pyp[i]\.org|pyth[o]nhosted|registry\.npmjs|ind[e]x-url|https?://[^\s\"']*/(?:s[i]mple|p[a]ckages)/"
    ),
    "how the work is organised": r"(?i:f[a]rm-(?:bench|studio)|d[e]sign document|sub-?[a]gent)|(?:house|d[e]sign)\.md",
}


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this copy has no git history to list its files from")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _texts() -> Iterator[tuple[str, str]]:
    for path in _tracked():
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.filterwarnings("default")
def test_modules_stay_small_enough_to_be_one_idea() -> None:
    sizes = {
        name: text.count("\n") for name, text in _texts() if name.endswith(".py") and not name.startswith("tests/")
    }
    assert sizes
    for name, size in sizes.items():
        if LONG < size < LONGEST:
            warnings.warn(f"{name} has {size} lines", stacklevel=1)
    assert not {name: size for name, size in sizes.items() if size >= LONGEST}


def test_modules_are_named_after_what_they_are_about() -> None:
    assert not [path for path in _tracked() if path.suffix == ".py" and VAGUE & {path.stem, path.parent.name}]


@pytest.mark.parametrize("subject", FORBIDDEN)
def test_the_project_speaks_of_itself_alone(subject: str) -> None:
    found = [f"{name}: {match[0]}" for name, text in _texts() for match in re.finditer(FORBIDDEN[subject], text)]
    assert not found
