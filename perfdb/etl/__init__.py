"""Reading Windows event traces (`.etl`) on any system, in numpy, without Windows.

    layout         where each field lies: tables of byte offsets, and nothing else
    buffers        the file as a row of buffers, decompressed, in batches of bounded size
    events         where each event starts, found for all buffers side by side
    payloads       columns out of the events that matter
    method_events  columns out of the events that tell of managed methods
    hashing        equal runs of values found by their hash
    texts          names in events, each decoded once
    clock          event time in ns since the trace's start
    lifetimes      which process a thread, and which image an address, belonged to at a moment
    callstacks     stack events and stack keys, interned and joined to their samples
    owners         whose a sample is
    code           stacks put together, and their addresses found in images
    methods        managed code: the method that an address was part of, and its name
    tables         what was read, in columns, before anything is joined
    assemble       the join: columns of events in, `Profile` out
    caveats        what was lost, and what the reader of the numbers must know
    reader         all of it together: bytes in, `Profile` out

The format's facts are from public descriptions and were checked on real traces; the tests hold this reader against a
slow one that walks an event at a time.
"""

from perfdb.etl.reader import looks_like_etl, read_etl

__all__ = ["looks_like_etl", "read_etl"]
