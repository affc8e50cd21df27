"""An impact as data for programs, and as one flat table for CSV.

The data, schema `perfdb.impact/1`; costs are in ms a run (means), shares and changes fractions, None is what is not
known, and a *part* is `{baseline_ms, contender_ms, delta_ms, change, baseline_share, contender_share, status}` with the
finding `{verdict, effect, low, high, p_value, adjusted, runs_needed, is_relevant, reason}`, as in `perfdb.diff/2`:

    schema, version, settings, baseline, contender, scope, caveats, only_baseline, only_contender    as in a diff
    summary       the paragraph that `--summary` prints
    inclusive     whether costs of targets are inclusive
    is_chosen     whether nobody named targets: they are the modules that improved, else those that changed
    targets       [{asked, name, items: [{module, function}]}]; the function of a module is None
    examples      [{example, runs: {baseline, contender, history} (how many), is_comparable, reason, common_effect,
                  caveats, targets: [part], shared: part or None, elsewhere: part, program: part, slower: [entry]}]
    pooled        {examples: [name], targets, shared, elsewhere, program} of the examples that can be compared, sums of
                  their means; a part's `told` says in how many examples its finding is founded; None for fewer than two
    slower        [{module, function, examples, baseline_ms, contender_ms, delta_ms, change, is_new}], each ms once

The targets, less what several of them share, and elsewhere sum to the program. `status` is a class of the ledger, or
`absent`; None where there is none. An entry is a line of a diff's ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perfdb import __version__
from perfdb.compare.impact import ExampleImpact, Impact, Moved, Part, Parts
from perfdb.report.blocks import Column, Table
from perfdb.report.of_diff_data import costs_data, entry_data, estimate, finding_data, item_data
from perfdb.report.of_diff_flat import FINDING, flat_value
from perfdb.report.of_impact_summary import impact_summary

SCHEMA = "perfdb.impact/1"


def impact_data(impact: Impact) -> dict[str, Any]:
    """The impact in JSON's terms; see the head of this file."""
    comparison = impact.comparison
    return {
        "schema": SCHEMA,
        "version": __version__,
        "summary": impact_summary(impact),
        "settings": comparison.criteria,
        "baseline": comparison.baseline,
        "contender": comparison.contender,
        "scope": comparison.scope,
        "caveats": (*comparison.caveats, *impact.caveats),
        "only_baseline": comparison.only_baseline,
        "only_contender": comparison.only_contender,
        "inclusive": impact.is_inclusive,
        "is_chosen": impact.is_chosen,
        "targets": [
            {"asked": each.asked, "name": str(each), "items": [item_data(item) for item in each.items]}
            for each in impact.targets
        ],
        "examples": [_example_data(each) for each in impact.examples],
        "pooled": _pooled_data(impact),
        "slower": [_moved_data(each) for each in impact.slower],
    }


def _example_data(example: ExampleImpact) -> dict[str, Any]:
    diff = example.diff
    return {
        "example": diff.example,
        "runs": {
            "baseline": len(diff.baseline),
            "contender": len(diff.contender),
            "history": len(diff.runs.history),
        },
        "is_comparable": example.is_comparable,
        "reason": "" if example.is_comparable else diff.finding.reason,
        "common_effect": estimate(diff.common_effect),
        "caveats": diff.caveats,
        **_parts_data(example.parts),
        "slower": [entry_data(entry) for entry in example.slower],
    }


def _pooled_data(impact: Impact) -> dict[str, Any] | None:
    if impact.pooled is None:
        return None
    parts = impact.pooled
    told = [part.told for part in parts.targets], parts.elsewhere.told, parts.program.told
    data = {"examples": [each.diff.example for each in impact.comparable], **_parts_data(parts)}
    data["targets"] = [part | {"told": count} for part, count in zip(data["targets"], told[0], strict=True)]
    data["elsewhere"]["told"], data["program"]["told"] = told[1:]
    return data


def _parts_data(parts: Parts) -> dict[str, Any]:
    return {
        "targets": [_part_data(part) for part in parts.targets],
        "shared": _part_data(parts.shared) if parts.shared else None,
        "elsewhere": _part_data(parts.elsewhere),
        "program": _part_data(parts.program),
    }


def _part_data(part: Part) -> dict[str, Any]:
    return {
        "status": part.group or None,
        **costs_data(part.baseline_ns, part.contender_ns),
        "baseline_share": part.baseline_share,
        "contender_share": part.contender_share,
        **finding_data(part.finding),
    }


def _moved_data(moved: Moved) -> dict[str, Any]:
    return {
        **item_data(moved.item),
        "examples": moved.examples,
        **costs_data(moved.baseline_ns, moved.contender_ns),
        "is_new": moved.is_new,
    }


# ---- CSV -------------------------------------------------------------------------------------------------------------

COLUMNS = (
    Column("example", "example"),
    Column("part", "part"),
    Column("name", "name"),
    Column("status", "status"),
    Column("baseline_ms", "baseline ms", "ms"),
    Column("contender_ms", "contender ms", "ms"),
    Column("delta_ms", "delta ms", "delta_ms"),
    Column("change", "change", "change"),
    Column("baseline_share", "share before", "share"),
    Column("contender_share", "share after", "share"),
    *FINDING,
    Column("baseline_runs", "baseline runs", "count"),
    Column("contender_runs", "contender runs", "count"),
)


def impact_flat(impact: Impact) -> Table:
    """Each part in a row; of an example `target`, less `shared`, and `elsewhere` add up to `program`.

    `slower` rows stand beside that: what got slower elsewhere. Rows over several examples have no example.
    """
    names = [str(target) for target in impact.targets]
    records = [record for example in impact.examples for record in _example_records(example, names)]
    if impact.pooled is not None:
        records += _part_records(impact.pooled, names)
        records += [
            _moved_data(each) | {"part": "slower", "name": str(each.item), "status": "new" if each.is_new else None}
            for each in impact.slower
        ]
    return Table(COLUMNS, tuple(tuple(flat_value(record.get(column.key)) for column in COLUMNS) for record in records))


def _example_records(example: ExampleImpact, names: list[str]) -> Iterator[dict[str, Any]]:
    diff = example.diff
    here = {"example": diff.example, "baseline_runs": len(diff.baseline), "contender_runs": len(diff.contender)}
    yield from (record | here for record in _part_records(example.parts, names))
    yield from (entry_data(entry) | {"part": "slower", "name": str(entry.item)} | here for entry in example.slower)


def _part_records(parts: Parts, names: list[str]) -> Iterator[dict[str, Any]]:
    for name, part in zip(names, parts.targets, strict=True):
        yield _part_data(part) | {"part": "target", "name": name}
    if parts.shared:
        yield _part_data(parts.shared) | {"part": "shared"}
    yield _part_data(parts.elsewhere) | {"part": "elsewhere"}
    yield _part_data(parts.program) | {"part": "program"}
