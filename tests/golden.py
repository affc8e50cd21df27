"""Whole printed outputs, kept in `tests/golden/` and held against what is printed now."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def assert_golden(name: str, printed: str) -> None:
    """The output is the golden's text; where it is not, it is written beside it as `NAME.new`, to be read."""
    golden, fresh = FOLDER / name, FOLDER / f"{name}.new"
    expected = golden.read_text(encoding="utf-8") if golden.exists() else ""
    if printed != expected:
        fresh.write_text(printed, encoding="utf-8", newline="\n")
    else:
        fresh.unlink(missing_ok=True)

    assert expected == printed, f"{golden} differs: read {fresh}, and move it over the golden if it is right"
