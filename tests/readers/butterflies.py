"""Butterfly reports, rendered from samples after the facts that are known of the real ones, and what is read of them.

    page([("app.exe (12)", "app.exe!main;app.exe!parse", 3)], least=1)

A frame is `module!function`, or `module!function@id` where several functions bear one name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from perfdb.profile import UNRESOLVED, Profile
from perfdb.profile.columns import ItemWeights
from perfdb.readers.butterfly import BUTTERFLY
from tests.readers.reading import read_as

Samples = Sequence[tuple[str, str, int]]
"""Process as `name (pid)`, the stack's frames, root first, joined by ";", and how many samples."""

REST = "..."
STYLE = "tr.pp {font-weight: bold}\ntr.ff {color: gray}\n"


def split_frame(frame: str) -> tuple[str, str]:
    """The module and the function of a frame."""
    module, _, function = frame.partition("!")
    return module, function.partition("@")[0]


def page(samples: Samples, least: int = 10) -> str:
    """The report that `-butterfly LEAST` makes of some samples."""
    counted = _Counted(samples, least)
    titles = ("P", "ME", "MI", "SI", "SN", "SE")
    contents = "".join(f"<li><a href='#Tbl{each}'>{_TITLES[each].title()}</a></li>" for each in titles)
    tables = "".join(
        f"<a id='Tbl{each}'><h2>{_TITLES[each]}</h2></a>{getattr(counted, each.lower())()}" for each in titles
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x.dtd">'
        f"<html xmlns='x'><head><title>Stack Report</title><style type='text/css'>\n{STYLE}</style></head><body>"
        f"<h1>Stack Report</h1><h2>Table of Contents</h2><ol>{contents}</ol>{tables}{'<p>&nbsp;</p>' * 3}"
        "</body></html>"
    )


_TITLES = {
    "P": "Processes and Root functions",
    "ME": "Modules by Exclusive Hits",
    "MI": "Modules by UniInclusive Hits",
    "SI": "Functions by UniInclusive Hits",
    "SN": "Functions by Multi-Inclusive Hits with Callers and Callees",
    "SE": "Functions by Exclusive Hits",
}


def _table(heads: str, rows: Iterable[str]) -> str:
    cells = "".join(f"<th align='center'>{head}</th>" for head in heads.split("|"))
    return (
        f"<table rules='all'><colgroup></colgroup><thead valign='top'><tr>{cells}</tr></thead>{''.join(rows)}</table>"
    )


def _row(*cells: object, css: str = "") -> str:
    begin = f"<tr class='{css}'>" if css else "<tr>"
    return begin + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


class _Counted:
    """Samples, counted in all the ways that the report counts them."""

    def __init__(self, samples: Samples, least: int) -> None:
        self.least = least
        self.total = sum(count for _, _, count in samples)
        self.by_process: Counter[str] = Counter()
        self.roots: Counter[tuple[str, str]] = Counter()
        self.exclusive: Counter[str] = Counter()
        self.inclusive: Counter[str] = Counter()
        self.multiple: Counter[str] = Counter()
        self.module_exclusive: Counter[str] = Counter()
        self.module_inclusive: Counter[str] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        for process, stack, count in samples:
            frames = stack.split(";")
            modules = [split_frame(frame)[0] for frame in frames]
            self.by_process[process] += count
            self.roots[process, frames[0]] += count
            self.exclusive[frames[-1]] += count
            self.module_exclusive[modules[-1]] += count
            for frame in set(frames):
                self.inclusive[frame] += count
            for frame in frames:
                self.multiple[frame] += count
            for module in set(modules):
                self.module_inclusive[module] += count
            for pair in pairwise(frames):
                self.calls[pair] += count
        self.ids = {frame: f"{0x6790000 + 96 * row:x}" for row, frame in enumerate(self.multiple)}
        self.module_ids = {module: f"{0x7090000 + 96 * row:x}" for row, module in enumerate(self.module_inclusive)}

    def percent(self, hits: int) -> str:
        return f"{100 * hits / (self.total or 1):.2f}%"

    def linked(self, frame: str) -> str:
        module, function = split_frame(frame)
        anchor = f"<a href='#MI{self.module_ids[module]}'>{module}</a>!"
        if self.multiple[frame] < self.least:
            return f"{anchor}{function} (trimmed)"
        return f"{anchor}<a href='#SN{self.ids[frame]}'>{function}</a>"

    def p(self) -> str:
        bodies = []
        for process, hits in self.by_process.most_common():
            name, _, pid = process.removesuffix(")").rpartition("(")
            rows = [_row(name.strip(), pid.strip(), hits, self.percent(hits), css="pp")]
            for (owner, root), count in self.roots.most_common():
                if owner == process:
                    rows.append(_row(f"&nbsp;{self.linked(root)}", "", count, self.percent(count), css="pf"))
            bodies.append(f"<tbody>{''.join(rows)}</tbody>")
        return _table("process path<br />&nbsp;Module!Function|pid|exclusive<br />hits|hit<br />percent", bodies)

    def _modules(self, hits_of: Counter[str], own_id: str) -> str:
        rows = [
            _row(
                f"<p><a id='{own_id}{self.module_ids[module]}' href='#MI{self.module_ids[module]}'>{module}</a></p>",
                *(hits, self.percent(hits), "0x01046000", "0x1c62bee3"),
            )
            for module, hits in hits_of.most_common()
        ]
        return _table("module name|hits|percent|size|timedatestamp", ["<tbody>", *rows, "</tbody>"])

    def me(self) -> str:
        return self._modules(self.module_exclusive, "ME")

    def mi(self) -> str:
        return self._modules(self.module_inclusive, "MI")

    def si(self) -> str:
        rows = [
            _row(self.linked(frame), hits, self.percent(hits), self.exclusive[frame], "0x1", "0x2", "0x1")
            for frame, hits in self.inclusive.most_common()
            if hits >= self.least
        ]
        if len(rows) < len(self.inclusive):
            rows.append(_row(REST, *[""] * 6))
        heads = "function name|inclusive<br />hits|total<br />percent|exclusive<br />hits|base|limit|size"
        return _table(heads, ["<tbody>", *rows, "</tbody>"])

    def se(self) -> str:
        rows = [
            _row(self.linked(frame), hits, self.percent(hits), self.inclusive[frame], "0x1", "0x2", "0x1")
            for frame, hits in self.exclusive.most_common()
        ]
        heads = "function name|exclusive<br />hits|total<br />percent|inclusive<br />hits|base|limit|size"
        return _table(heads, ["<tbody>", *rows, "</tbody>"])

    def sn(self) -> str:
        blocks = [self._block(frame) for frame, hits in self.multiple.most_common() if hits >= self.least]
        if len(blocks) < len(self.multiple):
            blocks.append(f"<tbody>{_row(REST, *[''] * 7)}</tbody>")
        heads = "function name|inclusive<br />hits|total<br />percent|parent<br />percent|exclusive<br />hits"
        return _table(f"{heads}|base|limit|size", blocks)

    def _block(self, frame: str) -> str:
        module, function = split_frame(frame)
        head = f"<a id='#SN{self.ids[frame]}' href='#MI{self.module_ids[module]}'>{module}</a>!{function}"
        hits, own = self.multiple[frame], self.exclusive[frame]
        rows = [_row(head, hits, self.percent(hits), "", own, "0x1", "0x2", "0x1")]
        rows.append(self._below("fi", "***itself***", own, hits))
        for (caller, callee), count in self.calls.most_common():
            if caller == frame:
                rows.append(self._below("fd", f"--&gt; {self.linked(callee)}", count, hits))
        for (caller, callee), count in self.calls.most_common():
            if callee == frame:
                # Trimmed callers bear the class of callees.
                css = "fd" if self.multiple[caller] < self.least else "fu"
                rows.append(self._below(css, f"&lt;-- {self.linked(caller)}", count, hits))
        return f"<tbody>{''.join(rows)}</tbody>"

    def _below(self, css: str, name: str, hits: int, of: int) -> str:
        percents = self.percent(hits), f"{100 * hits / of:.2f}%"
        return "<tr>" + _row(f"&nbsp;{name}", hits, *percents, *[""] * 4, css=css)


NONE = "***unknown***"

APP: Samples = (
    ("app.exe (12)", "ntdll.dll!start;app.exe!main;app.exe!parse<int &, p>", 30),
    ("app.exe (12)", "ntdll.dll!start;app.exe!main;db.dll!walk;db.dll!walk;db.dll!walk", 20),
    ("app.exe (12)", "ntdll.dll!start;app.exe!main;db.dll!walk", 4),
    ("app.exe (12)", "ntdll.dll!start;app.exe!rare;db.dll!helper", 3),
)
"""57 ms of one process, with a recursion and two functions that `-butterfly 10` trims."""

TWO: Samples = (*APP, (r"C:\tools (x86)\svc host.exe (4)", "ntdll.dll!start;svc.dll!serve", 43))


def read(text: str, interval_ns: int | None = None, encoding: str = "utf-8") -> Profile:
    """The profile in a page, checked."""
    return read_as(BUTTERFLY, text.encode(encoding), "app_butterfly.html", interval_ns)


def hits(profile: Profile, weights: ItemWeights, names: list[str]) -> dict[str, tuple[int, int]]:
    """Exclusive and inclusive hits by name."""
    rows = zip(weights.item, weights.exclusive_samples, weights.inclusive_samples, strict=True)
    return {names[item]: (int(exclusive), int(inclusive)) for item, exclusive, inclusive in rows}


def function_names(profile: Profile) -> list[str]:
    """Each function as `module!function`."""
    table = profile.functions
    return [f"{profile.modules[module]}!{name}" for module, name in zip(table.module, table.name, strict=True)]


def functions(profile: Profile) -> dict[str, tuple[int, int]]:
    """Exclusive and inclusive hits by function."""
    assert profile.sums
    return hits(profile, profile.sums.functions, function_names(profile))


def modules(profile: Profile) -> dict[str, tuple[int, int]]:
    """Exclusive and inclusive hits by module."""
    assert profile.sums
    return hits(profile, profile.sums.modules, list(profile.modules))


def calls(profile: Profile) -> dict[tuple[str, str], int]:
    """Hits by caller and callee."""
    assert profile.sums
    names, table = function_names(profile), profile.sums.calls
    rows = zip(table.caller, table.callee, table.samples, strict=True)
    return {(names[caller], names[callee]): int(samples) for caller, callee, samples in rows}


def caveat(profile: Profile, code: str) -> str:
    """The text of a caveat."""
    return next(each.text for each in profile.caveats if each.code == code)


def truth(samples: Samples) -> tuple[dict[str, list[int]], dict[str, list[int]], Counter[tuple[str, str]]]:
    """Exclusive and inclusive samples of functions and of modules, and calls: counted from the samples, by name."""
    by_function: dict[str, list[int]] = {}
    by_module: dict[str, list[int]] = {}
    called: Counter[tuple[str, str]] = Counter()
    for _, stack, count in samples:
        path = ["!".join(split_frame(frame)).replace(NONE, UNRESOLVED) for frame in stack.split(";")]
        for into, items in ((by_function, path), (by_module, [each.partition("!")[0] for each in path])):
            for item in set(items):
                into.setdefault(item, [0, 0])[1] += count
            into[items[-1]][0] += count
        for pair in pairwise(path):
            called[pair] += count
    return by_function, by_module, called
