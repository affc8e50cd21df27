"""The names of one run's addresses in one symbol file, as bytes that stay with the run.

They are a symcache that knows these addresses only, deflated. With them a run keeps its names when it is resolved again
where neither the file nor a cache of it is at hand.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

from perfdb.profile.columns import U64
from perfdb.symbols.lookup import LookedUp
from perfdb.symbols.model import Wanted
from perfdb.symbols.symcache import pack, unpack
from perfdb.symbols.table import table_of_chains

_WORTH = {"full": 2, "public": 1}


def to_keep(wanted: Wanted, rva: U64, answer: LookedUp) -> bytes:
    """What was looked up, as bytes; `answer` is of these RVAs."""
    table = replace(table_of_chains(rva, answer.chains, answer.machine), is_public=answer.state == "public")
    return zlib.compress(pack(table, wanted.debug_id), 6)


def looked_up_before(content: bytes, wanted: Wanted, rva: U64, answer: LookedUp) -> LookedUp:
    """The answer, or what was kept if that knows more: bytes that cannot be read know nothing."""
    try:
        table = unpack(zlib.decompress(content), wanted.debug_id)
    except zlib.error:
        return answer
    state = "public" if table is None or table.is_public else "full"
    if table is None or _WORTH.get(answer.state, 0) >= _WORTH[state] or not bool(table.covers(rva).all()):
        return answer
    return LookedUp(table.chains(rva), state, table.machine)
