"""What the scripts of a page work with: for each example its functions and call paths, as columns in compact JSON.

    base64(deflate(utf8(JSON)))     schema "perfdb.page/1"

- `items` are [module, function]; those of the tree come first, in its order, and everything else names rows of it.
- `functions` has a row for each function of either side; costs are lists a side, summed over the side's runs, in ns;
  inclusive ones are null where some run does not tell them.
- `tree` has its nodes in preorder: node i is at the depth of the one before it, + 1 - `up[i]`. `weight_ns` is null
  where each sample weighs `unit_ns`.
- `calls` stand in where there are no call paths and the runs tell who called whom.

Names are printable already. Numbers are as they come: what is a mean of runs, or a share, the scripts say.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from perfdb.compare.calls import Calls
from perfdb.compare.comparison import ExampleDiff
from perfdb.compare.costs import Item
from perfdb.compare.ledger import UNRESOLVED
from perfdb.compare.page import PageExample, PageSide
from perfdb.compare.sampled import SampledTree
from perfdb.profile.columns import I64, NOT_KNOWN
from perfdb.report.cells import printable
from perfdb.report.of_diff_words import fewest_runs, verdict_cell

SCHEMA = "perfdb.page/1"
_LEVEL = 6
"""More takes three times as long for a hundredth of the size."""


class _Items:
    """Rows for modules and functions, given out as they are met; module names differ in more than letter case."""

    def __init__(self) -> None:
        self.names: list[list[str]] = []
        self._rows: dict[tuple[str, str | None], int] = {}

    def row(self, item: Item) -> int:
        row = self._rows.setdefault(item.key, len(self.names))
        if row == len(self.names):
            self.names.append([printable(item.module), printable(item.function or "")])
        return row

    def rows(self, items: Iterable[Item]) -> I64:
        return np.fromiter((self.row(item) for item in items), np.int64)


def payload(example: PageExample, labels: Sequence[str], diff: ExampleDiff | None = None) -> str:
    """One example's data, packed; `labels` are what its sides are called, `diff` is what was found of the two."""
    return pack(example_data(example, labels, diff))


def pack(data: object) -> str:
    """JSON that a page unpacks: without any character that HTML knows."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(text.encode("utf-8", "replace")) + deflate.flush()
    return base64.b64encode(packed).decode("ascii")


def example_data(example: PageExample, labels: Sequence[str], diff: ExampleDiff | None = None) -> dict[str, Any]:
    """The same, not packed."""
    items = _Items()
    tree = None if example.tree is None else _tree(example.tree, items)
    functions = _functions(example.sides, items)
    if diff is not None:
        functions |= _findings(diff, functions["item"], items)
    calls = None if example.calls is None else _calls(example.calls, items)
    return {
        "schema": SCHEMA,
        "example": printable(example.example),
        "sides": [
            {"label": printable(label), "runs": len(side.runs)}
            for label, side in zip(labels, example.sides, strict=True)
        ],
        "items": items.names,
        "functions": functions,
        "program": None if diff is None else _program(diff),
        "tree": tree,
        "calls": calls,
    }


def _tree(tree: SampledTree, items: _Items) -> dict[str, Any]:
    names = items.rows(tree.items)
    above = np.concatenate([np.zeros(1, np.int64), tree.depth[:-1].astype(np.int64)])
    up = above + 1 - tree.depth
    unit_ns = _unit(tree.samples, tree.weight_ns)
    return {
        "up": up[: len(tree)].tolist(),
        "item": names[tree.item].tolist() if len(tree) else [],
        "samples": tree.samples.tolist(),
        "weight_ns": tree.weight_ns.tolist() if unit_ns is None else None,
        "unit_ns": unit_ns,
    }


def _unit(samples: I64, weight_ns: I64) -> int | None:
    """What each sample weighs, None where they differ in that."""
    counted = samples[samples > 0]
    if not len(counted):
        return None if weight_ns.any() else 0
    unit_ns = int(weight_ns[samples > 0][0] // counted[0])
    return unit_ns if np.array_equal(samples * unit_ns, weight_ns) else None


def _calls(calls: Calls, items: _Items) -> dict[str, Any]:
    names = items.rows(calls.items)
    return {
        "caller": names[calls.caller].tolist() if len(calls.caller) else [],
        "callee": names[calls.callee].tolist() if len(calls.callee) else [],
        "samples": calls.samples.tolist(),
        "weight_ns": calls.weight_ns.tolist(),
    }


def _functions(sides: Sequence[PageSide], items: _Items) -> dict[str, Any]:
    """A row for each function that has cost anything, or that may have, on some side."""
    places = [items.rows(side.functions.items) for side in sides]
    count = len(items.names)
    exclusive, inclusive, samples = (np.zeros((len(sides), count), np.int64) for _ in range(3))
    is_open = np.zeros((len(sides), count), np.bool_)
    for row, (side, own) in enumerate(zip(sides, places, strict=True)):
        costs = side.functions
        exclusive[row, own] = costs.exclusive_ns.sum(axis=0)
        samples[row, own] = costs.exclusive_samples.sum(axis=0)
        is_open[row, own] = (costs.inclusive_ns == NOT_KNOWN).any(axis=0)
        inclusive[row, own] = np.where(is_open[row, own], 0, costs.inclusive_ns.sum(axis=0))
    kept = np.flatnonzero((exclusive + inclusive).any(axis=0) | is_open.any(axis=0))
    return {
        "item": kept.tolist(),
        "exclusive_ns": exclusive[:, kept].tolist(),
        "inclusive_ns": [
            [None if unknown else value for value, unknown in zip(values, open_, strict=True)]
            for values, open_ in zip(inclusive[:, kept].tolist(), is_open[:, kept].tolist(), strict=True)
        ],
        "exclusive_samples": samples[:, kept].tolist(),
    }


def _findings(diff: ExampleDiff, rows: Sequence[int], items: _Items) -> dict[str, Any]:
    """What was found of each function; `word` is what the diff's tables say. Not judged is what costs nothing itself.

    Where two sides cannot be compared, functions have words only for being new or gone, as in those tables.
    """
    runs, is_judged = fewest_runs(diff), not diff.runs.reason
    by_row = {items.row(entry.item): entry for entry in diff.functions.rows if entry.item is not None}
    told: dict[str, list[Any]] = {
        name: [] for name in ("status", "word", "verdict", "relevant", "effect", "low", "high")
    }
    unresolved = {row for row, (module, function) in enumerate(items.names) if Item(module, function).is_unresolved}
    for row in rows:
        entry = by_row.get(row)
        finding = entry.finding if entry else None
        bounds = finding if entry and entry.baseline.mean else None
        word = verdict_cell(finding, runs, entry.group) if entry and (is_judged or finding is None) else ""
        told["status"].append(entry.group if entry else UNRESOLVED if row in unresolved else None)
        told["word"].append("" if word == "-" else word)
        told["verdict"].append(finding.verdict if finding else None)
        told["relevant"].append(finding.is_relevant if finding else False)
        told["effect"].append(bounds.effect if bounds else None)
        told["low"].append(bounds.low if bounds else None)
        told["high"].append(bounds.high if bounds else None)
    return told


def _program(diff: ExampleDiff) -> dict[str, Any]:
    finding = diff.finding
    word = "" if diff.runs.reason else verdict_cell(finding, fewest_runs(diff))
    return {"word": word, "effect": finding.effect, "low": finding.low, "high": finding.high}
