"""The rights of administrators, without which Windows lets nobody record the kernel's events."""

from __future__ import annotations

import sys

from perfdb.errors import MissingToolError


def is_elevated() -> bool:
    """Has this process the rights of an administrator? Asked on Windows only; elsewhere nothing needs them: True."""
    if sys.platform != "win32":
        return True
    import ctypes

    return bool(ctypes.windll.shell32.IsUserAnAdmin())


def require_elevation(profiler: str, platform: str) -> None:
    """Raise MissingToolError where a profiler of Windows has not the rights that it needs."""
    if platform == "win32" and not is_elevated():
        raise MissingToolError(
            f"asked to profile with {profiler}, found that this prompt has no administrator's rights, which Windows "
            'wants for recording samples. Open a prompt with "Run as administrator", and type the command again there.'
        )
