"""Which part of the recorded work a question is about."""

from __future__ import annotations

from dataclasses import dataclass

from perfdb.errors import UsageError


@dataclass(frozen=True, slots=True)
class Scope:
    """Which work is looked at: of which examples (empty: all), processes and build kind (None: all)."""

    examples: tuple[str, ...] = ()
    process: str | None = None
    all_processes: bool = False
    build: str | None = None

    def __post_init__(self) -> None:
        if self.process and self.all_processes:
            raise UsageError(
                f"asked for process {self.process} and for all processes: give --process or --all-processes"
            )

    def __str__(self) -> str:
        if self.all_processes:
            return "all processes"
        return f"process {self.process}" if self.process else "the main process"

    @property
    def is_main_only(self) -> bool:
        """Whether only the main process of each run counts."""
        return not self.all_processes and self.process is None


def matches_process(wanted: str, name: str, pid: int) -> bool:
    """Whether a process is the one that the user means: by pid, or by name, letter case and `.exe` left aside."""
    folded = name.lower()
    return wanted.lower() in (folded, folded.removesuffix(".exe"), str(pid))
