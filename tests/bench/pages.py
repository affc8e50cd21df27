"""Pages: how large they are, how long they take to write, to appear in Chromium, and to draw while one zooms."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.measure import Figure, best_of, corpus_trace, perfdb

COMMITS = ("abc1234" + "0" * 33, "def5678" + "0" * 33)
"""Commits that no repository has; a full hash is taken all the same."""
CORPUS_KB, CORPUS_SECONDS = 600, 1.0
STACKS, FUNCTIONS = 100_000, 4_000
LARGE_MB, LARGE_SECONDS, PAINT_SECONDS = 12, 5.0, 2.0
FRAME_MS = 1000 / 60
KB, MB = 1_000, 1_000_000
ROUNDS = 3


def pages(corpus: Path) -> list[Figure]:
    """The page of the corpus run, and of runs with 100,000 distinct stacks: one alone, and two compared."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "perfdb.toml").write_text("")
        history = folder / "history.duckdb"
        perfdb("--db", history, "record", corpus_trace(corpus), "--commit", COMMITS[0], "--example", "gc")
        for side, commit in enumerate(COMMITS):
            text = folder / f"stacks-{side}.folded"
            text.write_text(folded(side))
            perfdb("--db", history, "record", text, "--commit", commit, "--example", "stacks")

        def written(page: str, example: str, *words: str) -> tuple[Path, float]:
            call = ("report", "page", COMMITS[-1 if words else 0], "--example", example, *words)
            target = folder / page
            seconds = best_of(ROUNDS, lambda: perfdb("--db", history, *call, "-o", target, "--force"))
            return target, seconds

        small, small_seconds = written("gc.html", "gc")
        large, large_seconds = written("stacks.html", "stacks")
        both, both_seconds = written("both.html", "stacks", "--against", COMMITS[0])
        figures = [
            Figure("page of the corpus run", small.stat().st_size / KB, "KB", CORPUS_KB),
            Figure("… written, the whole process", small_seconds, "s", CORPUS_SECONDS),
            Figure("page of 100,000 stacks", large.stat().st_size / MB, "MB", LARGE_MB),
            Figure("… written, the whole process", large_seconds, "s", LARGE_SECONDS),
            Figure("page of 2 x 100,000 stacks compared", both.stat().st_size / MB, "MB", LARGE_MB),
            Figure("… written, the whole process", both_seconds, "s"),
        ]
        return figures + _shown(large) + _shown(both)


def folded(side: int) -> str:
    """100,000 distinct stacks as folded text: most of them a few frames below another one, as in real programs.

    The sides share nine stacks in ten.
    """
    shared, own = np.random.default_rng(7), np.random.default_rng(100 + side)
    names = [
        f"m{number % 40}.dll!ns{number % 61}::Type{number % 301}<int,ns::Other>::call{number}"
        for number in range(FUNCTIONS)
    ]
    paths: list[tuple[int, ...]] = [(0, 1, 2)]
    known = set(paths)
    while len(paths) < STACKS:
        random = shared if len(paths) < STACKS * 0.9 else own
        above = paths[int(len(paths) * random.random() ** 1.5)]
        new = random.integers(3, FUNCTIONS, int(random.integers(1, 4))).tolist()
        path = (*above[: max(3, int(random.integers(0, len(above) + 1)))], *new) if len(above) > 40 else (*above, *new)
        if path not in known:
            known.add(path)
            paths.append(path)
    counts = own.integers(1, 6, len(paths)).tolist()
    return "".join(f"{';'.join(names[at] for at in path)} {count}\n" for path, count in zip(paths, counts, strict=True))


_PAINTED = """() => {
  const entries = performance.getEntriesByName("first-contentful-paint");
  return entries.length ? entries[0].startTime : null;
}"""

_DRAWN = (
    "() => window.perfdb && window.perfdb.flame && window.perfdb.flame.measure ? window.perfdb.flame.measure() : null"
)
"""What a page gives to those who measure it: the flame graph, which zooms by itself and tells what each frame took."""


def _shown(page: Path) -> list[Figure]:
    """How long Chromium takes to show a page, and to draw its flame graph while one zooms."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    what = "first paint of it in Chromium"
    if chromium is None:
        return [Figure(what, None, "s", PAINT_SECONDS, note="no Chromium on this machine")]
    from playwright.sync_api import sync_playwright

    painted: list[float] = []
    drawn: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(ROUNDS):
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.goto(page.as_uri(), wait_until="load")
            tab.wait_for_function(_PAINTED, timeout=60_000)
            painted.append(tab.evaluate(_PAINTED) / 1000)
            tab.wait_for_selector("canvas", timeout=60_000)
            drawn = tab.evaluate(_DRAWN) or drawn
            tab.close()
        browser.close()
    figures = [Figure(what, min(painted), "s", PAINT_SECONDS)]
    if drawn:
        draw, frame = np.array(drawn["drawMs"]), np.array(drawn["frameMs"])
        note = f"{len(draw)} frames of a zoom, one every {np.median(frame):.1f} ms"
        figures.append(
            Figure("… to draw a frame, 95 in 100 at most", float(np.percentile(draw, 95)), "ms", FRAME_MS, note=note)
        )
    return figures
