"""What the global options say, and the history that they lead to, opened when a command asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfdb.api import History


@dataclass(frozen=True, slots=True)
class State:
    """The values of `--db` and `--config`."""

    database: Path | None
    config: Path | None

    def history(self) -> History:
        """The history that the options, the environment and the settings name; nothing is opened yet."""
        from perfdb.api import open_history

        return open_history(self.database, config=self.config)
