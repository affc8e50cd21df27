"""The export for speedscope, opened in speedscope itself: its app from npm, in Chromium, off a server of our own."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Dialog

from perfdb import store
from perfdb.cli import main
from tests.npm import npm_package
from tests.store.conftest import NEW, small_history

SPEEDSCOPE = ("speedscope", "1.25.0")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that the class gives it
        """Nothing: requests are no news."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the folder `site` of the temporary folder is served, with speedscope's app in it."""
    site = tmp_path / "site"
    shutil.copytree(npm_package(*SPEEDSCOPE) / "dist" / "release", site)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=site))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Viewer:
    """Speedscope with a file open, in the view that lists functions; `wrong` is what it complains of."""

    def __init__(self, browser: Browser, address: str, file: str) -> None:
        self.wrong: list[str] = []
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("dialog", self._complain)
        self.page.goto(f"{address}/index.html#profileURL={quote(f'{address}/{file}', safe='')}&view=sandwich")

    def _complain(self, dialog: Dialog) -> None:
        self.wrong.append(dialog.message)
        dialog.dismiss()

    def profiles(self) -> dict[str, str]:
        """The weight of each profile, by its name."""
        return {name: weight for _, name, weight in self._cells("tr[title]")}

    def functions(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Total and self weight by module and name of the function, without the shares behind them."""
        rows, modules = self._cells("tr:has(> td[title])"), self._read("td[title]", "cell => cell.title")
        return {
            (module, name): (total.partition(" (")[0], own.partition(" (")[0])
            for module, (total, own, name) in zip(modules, rows, strict=True)
        }

    def _cells(self, rows: str) -> list[list[str]]:
        found: list[list[str]] = self._read(rows, "row => [...row.cells].map(cell => cell.textContent.trim())")
        return found

    def _read(self, selector: str, script: str) -> Any:
        self.page.locator(selector).first.wait_for(state="attached", timeout=20_000)
        return self.page.locator(selector).evaluate_all(f"found => found.map({script})")


def test_speedscope_shows_the_profile_and_its_functions(browser: Browser, address: str, tmp_path: Path) -> None:
    small_history(tmp_path / "h.duckdb")
    file = tmp_path / "site" / "perfdb.speedscope.json"
    words = ["--db", str(tmp_path / "h.duckdb"), "export", NEW[:8], "--as", "speedscope", "-o", str(file)]
    assert main(words) == 0

    viewer = Viewer(browser, address, file.name)

    assert {
        ("kuzu.dll", "bulk"): ("12.00ms", "12.00ms"),
        ("kuzu.dll", "insert"): ("24.00ms", "15.00ms"),
        ("ntdll.dll", "alloc"): ("9.00ms", "9.00ms"),
        ("app.exe", "parse"): ("6.00ms", "6.00ms"),
        ("kuzu.dll", "kuzu.dll!<unresolved>"): ("3.00ms", "3.00ms"),
        ("app.exe", "main"): ("45.00ms", "0.00ns"),
        ("ntdll.dll", "start"): ("45.00ms", "0.00ns"),
    } == viewer.functions()
    assert viewer.page.title().startswith(NEW[:8])
    assert {"simple, 2 runs added up": "45.00ms", "templates": "7.00ms"} == viewer.profiles()
    assert [] == viewer.wrong


def test_speedscope_shows_what_a_real_trace_weighs(
    browser: Browser, address: str, tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database, file = tmp_path / "real.duckdb", tmp_path / "site" / "real.speedscope.json"
    assert main(["--db", str(database), "record", str(corpus / "dotnet-gc-x64.etl.zip"), "--commit", "c1"]) == 0
    assert main(["--db", str(database), "export", "c1", "--as", "speedscope", "-o", str(file)]) == 0

    viewer = Viewer(browser, address, file.name)
    shown = viewer.functions()

    with store.opened_for_read(database) as connection:
        hottest = connection.execute(
            "select function, inclusive_ms, exclusive_ms from function_cost "
            "where is_main_process and module = '<jit>' order by exclusive_ms desc, function limit 5"
        ).fetchall()
    assert {name: (weight(total), weight(own)) for name, total, own in hottest} == {
        name: shown["<jit>", name] for name, _, _ in hottest
    }
    assert [] == viewer.wrong


def weight(ms: float) -> str:
    """As speedscope writes it."""
    return f"{ms / 1000:.2f}s" if ms >= 1000 else f"{ms:.2f}ms"


def test_speedscope_complains_of_what_is_no_profile(browser: Browser, address: str, tmp_path: Path) -> None:
    (tmp_path / "site" / "broken.json").write_text('{"$schema": "of something else"}')

    viewer = Viewer(browser, address, "broken.json")
    viewer.page.get_by_text("Drag and drop a profile file").wait_for(timeout=20_000)

    assert any("format" in said for said in viewer.wrong), viewer.wrong
