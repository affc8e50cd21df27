"""`python -m tests.bench [NAME…]`: run the benches, print one table, exit 1 where a limit is missed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.benches import BENCHES
from tests.bench.measure import CHECKOUT, Figure


def main(arguments: Sequence[str]) -> int:
    """Run the named benches, or all of them."""
    unknown = [name for name in arguments if name not in BENCHES]
    if unknown:
        print(f"no bench is named {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    corpus = Path(os.environ.get("PERFDB_CORPUS") or CHECKOUT.parent / "shared" / "corpus")
    if not corpus.is_dir():
        print(
            f"needs the corpus of real traces; {corpus} is no folder, PERFDB_CORPUS may name another", file=sys.stderr
        )
        return 2
    figures: list[Figure] = []
    for name in arguments or BENCHES:
        print(f"{name} …", file=sys.stderr, flush=True)
        figures += BENCHES[name](corpus)
    print(table(figures))
    return int(any(figure.missed for figure in figures))


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned lines."""
    rows = [("what", "measured", "limit", "")]
    rows += [(figure.what, _amount(figure), _limit(figure), _verdict(figure)) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    notes = ["", *(figure.note for figure in figures)]
    return "\n".join(
        f"{what:<{widths[0]}}  {amount:>{widths[1]}}  {limit:>{widths[2]}}  {verdict:<6}  {note}".rstrip()
        for (what, amount, limit, verdict), note in zip(rows, notes, strict=True)
    )


def _amount(figure: Figure) -> str:
    return "failed" if figure.measured is None else f"{figure.measured:,.{_places(figure)}f} {figure.unit}"


def _limit(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    return f"{'≥' if figure.at_least else '≤'} {figure.limit:g} {figure.unit}"


def _verdict(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    return "MISSED" if figure.missed else "ok"


def _places(figure: Figure) -> int:
    return 0 if (figure.measured or 0) >= 100 else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
