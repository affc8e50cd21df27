"""The page's scripts: their own tests, run by Node, and the rules that let them be joined into one."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from perfdb.report.html.scripts import modules, policy, script, static_text, style
from tests.conftest import CHECKOUT
from tests.npm import missing

STATIC = CHECKOUT / "perfdb" / "report" / "html" / "static"
TESTS = sorted((Path(__file__).parent / "js").glob("*.test.mjs"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name.partition(".")[0])
def test_a_module_passes_its_own_tests(path: Path) -> None:
    node = shutil.which("node") or missing("needs node, for the tests of the page's scripts")

    ran = subprocess.run([node, "--test", str(path)], capture_output=True, text=True, encoding="utf-8", check=False)

    assert ran.returncode == 0, ran.stdout[-4000:]


def test_every_module_is_on_the_page_behind_what_it_imports() -> None:
    order = modules()

    assert {path.name for path in STATIC.glob("*.js")} == set(order)
    for name in order:
        imported = re.findall(r'from "\./([^"]+)";$', static_text(name), re.MULTILINE)
        assert all(order.index(each) < order.index(name) for each in imported)


def test_top_level_names_are_unique_for_modules_are_joined() -> None:
    names = Counter(
        name
        for module in modules()
        for name in re.findall(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", static_text(module), re.M)
    )

    assert [] == [name for name, times in names.items() if times > 1]


def test_the_joined_script_imports_and_exports_nothing() -> None:
    assert [] == re.findall(r"^(?:import|export)\b.*", script(), re.MULTILINE)


@pytest.mark.parametrize("name", sorted(path.name for path in STATIC.glob("*.js")))
def test_text_never_becomes_markup(name: str) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|srcdoc"

    assert [] == re.findall(forbidden, static_text(name))


def test_nothing_in_script_or_style_ends_its_element_or_names_an_address() -> None:
    for text in (script(), style()):
        assert [] == re.findall(r"</(?:script|style)|<!--|https?:|//[a-z]+\.|url\(", text, re.IGNORECASE)


def test_the_policy_allows_two_hashes_and_nothing_else() -> None:
    parts = dict(part.strip().split(" ", 1) for part in policy().split(";"))

    assert {"default-src", "script-src", "style-src", "base-uri", "form-action"} == parts.keys()
    assert {"'none'"} == {parts[name] for name in ("default-src", "base-uri", "form-action")}
    assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", parts[name]) for name in ("script-src", "style-src"))
