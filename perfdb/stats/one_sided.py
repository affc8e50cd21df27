"""Work that only one side has: new functions, vanished ones, and renamed ones, which are both.

Nothing relative can be said of such a function, and none may tell how the others changed: a function that was renamed
would make all others look quicker or slower. Their samples stay in the total, as they are.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

BY_CHANCE = 0.05
"""How probable it may be that any function is told one-sided that only showed no sample by chance."""


def one_sided(baseline: npt.ArrayLike, contender: npt.ArrayLike) -> npt.NDArray[np.int8]:
    """Which functions the counts, shape (runs, functions) a side, show on one side only; shape (functions,).

    1 for what is new, -1 for what has vanished, 0 for everything else. All n samples of an unchanged function fall to
    the side with a part p of the runs with probability p ** n; that must be improbable for any of the functions. And
    most runs of that side must have it: what comes and goes between runs is neither.
    """
    sides = [np.asarray(side) for side in (baseline, contender)]
    runs = len(sides[0]) + len(sides[1])
    enough = math.log(BY_CHANCE / max(sides[0].shape[1], 1))
    is_only = []
    for here, there in (sides, sides[::-1]):
        is_sure = here.sum(axis=0) * math.log(len(here) / runs) <= enough
        is_only.append(~there.any(axis=0) & is_sure & ((here > 0).sum(axis=0) > len(here) / 2))
    found: npt.NDArray[np.int8] = is_only[1].astype(np.int8) - is_only[0].astype(np.int8)
    return found
