"""From rows of the store to what comparisons take: the costs of runs as matrices, example by example."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfdb import store
from perfdb.compare import Costs, Item, RunFacts, Scope, matches_process, pivot
from perfdb.errors import InputError
from perfdb.profile.columns import LEAF, MEASURED, NO_PID, POOLED_PROCESS, STACKS, Bool


@dataclass(frozen=True, slots=True)
class ExampleCosts:
    """Runs of one example, and their costs in the same order."""

    runs: tuple[RunFacts, ...]
    modules: Costs
    functions: Costs


def preferred_runs(runs: Sequence[store.Run]) -> list[store.Run]:
    """Of the runs of one revision those to compare: an example's clean runs where it has any, else its dirty ones."""
    clean = {run.example for run in runs if not run.is_dirty}
    return [run for run in runs if not run.is_dirty or run.example not in clean]


@dataclass(frozen=True, slots=True)
class Common:
    """What all runs of an example tell, where they tell differently much.

    Of the `pooled` examples some run does not tell processes apart: all processes are compared. Of those `without_idle`
    some run does not tell what the idle process did in interrupts: that process is left out.
    """

    pooled: frozenset[str] = frozenset()
    without_idle: frozenset[str] = frozenset()


def what_is_common(runs: Sequence[store.Run]) -> Common:
    """What runs that are to be compared, or added up, have in common."""
    profiles = [run for run in runs if run.detail != MEASURED]
    leaf, more = ({run.example for run in profiles if (run.detail == LEAF) == is_leaf} for is_leaf in (True, False))
    return Common(frozenset(run.example for run in runs if is_pooled(run)), frozenset(leaf & more))


def is_pooled(run: store.Run) -> bool:
    """Whether the work of a run is all its processes' together, because its source does not tell them apart."""
    return run.process == POOLED_PROCESS and run.main_pid == NO_PID


class LoadedCosts:
    """The costs of runs, fetched once; matrices of any of these runs are made from them."""

    def __init__(
        self, runs: Sequence[store.Run], modules: store.Costs, functions: store.Costs, scope: Scope, common: Common
    ) -> None:
        """`modules` and `functions` are of these runs; raises InputError where none has the process asked for."""
        pooled = {run.run_id for run in runs if run.example in common.pooled}
        without_idle = {run.run_id for run in runs if run.example in common.without_idle}
        chosen = in_scope(modules, scope, pooled, without_idle)
        measured = [run for run in runs if run.detail == MEASURED]
        if scope.process is not None:  # what has no work has no row in the costs
            wanted = scope.process
            measured = [run for run in measured if matches_process(wanted, run.process, run.main_pid)]
        if scope.process and not chosen.any() and not measured:
            raise _no_such_process(modules, [run.process for run in runs], scope.process)
        self._processes = {run.run_id: run.process for run in measured} | _process_names(modules, chosen)
        self._partial = {run.run_id for run in runs if run.detail != STACKS}
        self._needs_process = bool(scope.process)
        self._modules, self._functions = modules, functions
        self._module_rows = _by_run(modules, chosen)
        self._function_rows = _by_run(functions, in_scope(functions, scope, pooled, without_idle))

    def has(self, run: store.Run) -> bool:
        """Whether the run has the process that was asked for."""
        return not self._needs_process or run.run_id in self._processes

    def facts(self, run: store.Run) -> RunFacts:
        """What decides whether the run can be compared with others."""
        return _facts(run, self._processes.get(run.run_id, run.process))

    def modules(self, run_ids: Sequence[str]) -> Costs:
        """What each module cost in these runs."""
        return self._matrix(self._modules, self._module_rows, run_ids)

    def functions(self, run_ids: Sequence[str]) -> Costs:
        """What each function cost in these runs."""
        return self._matrix(self._functions, self._function_rows, run_ids)

    def _matrix(self, costs: store.Costs, rows_by_run: Mapping[str, Sequence[int]], run_ids: Sequence[str]) -> Costs:
        rows = [row for run_id in run_ids for row in rows_by_run.get(run_id, ())]
        functions = [None] * len(rows) if costs.function is None else costs.function[rows].tolist()
        items = [Item(module, name) for module, name in zip(costs.module[rows].tolist(), functions, strict=True)]
        owners = [str(run_id) for run_id in costs.run_id[rows].tolist()]
        weights = (costs.exclusive_ns[rows], costs.inclusive_ns[rows], costs.exclusive_samples[rows])
        return pivot(run_ids, owners, items, *weights, [run_id for run_id in run_ids if run_id in self._partial])


def load_costs(connection: store.Connection, runs: Sequence[store.Run], scope: Scope, common: Common) -> LoadedCosts:
    """The costs of runs, module by module and function by function."""
    run_ids = list(dict.fromkeys(run.run_id for run in runs))
    main_only = scope.is_main_only and not any(run.example in common.pooled for run in runs)
    modules = store.module_costs(connection, run_ids, main_only=main_only)
    functions = store.function_costs(connection, run_ids, main_only=main_only)
    return LoadedCosts(runs, modules, functions, scope, common)


def costs_by_example(
    connection: store.Connection, runs: Sequence[store.Run], scope: Scope, common: Common
) -> dict[str, ExampleCosts]:
    """The costs of runs, grouped by example; raises InputError where no run has the process that is asked for.

    Results of benchmarks are left out beside profiles of the same example: nothing adds the two up.
    """
    loaded = load_costs(connection, runs, scope, common)
    grouped: dict[str, list[store.Run]] = {}
    for run in runs:
        if loaded.has(run):
            grouped.setdefault(run.example, []).append(run)
    found = {}
    for example, every in sorted(grouped.items()):
        members = [run for run in every if run.detail != MEASURED] or every
        run_ids = [run.run_id for run in members]
        facts = tuple(loaded.facts(run) for run in members)
        found[example] = ExampleCosts(facts, loaded.modules(run_ids), loaded.functions(run_ids))
    return found


def in_scope(costs: store.Costs, scope: Scope, pooled: Collection[str], without_idle: Collection[str]) -> Bool:
    """Which rows count: all processes in `pooled` runs where the main one is asked for, no idle process in others."""
    chosen: Bool
    if scope.process is not None:
        names = zip(costs.process.tolist(), costs.pid.tolist(), strict=True)
        return np.array([matches_process(scope.process, name, pid) for name, pid in names], np.bool_)
    if scope.all_processes:
        chosen = np.ones(len(costs.pid), np.bool_)
    else:
        chosen = np.asarray(costs.is_main, np.bool_).copy()
        if pooled:
            chosen |= np.array([run_id in pooled for run_id in costs.run_id.tolist()], np.bool_)
    if without_idle:
        is_counted = [run_id not in without_idle for run_id in costs.run_id.tolist()]
        chosen &= np.array(is_counted, np.bool_) | (costs.pid != 0)
    return chosen


def _no_such_process(costs: store.Costs, main: Sequence[str], wanted: str) -> InputError:
    work = dict.fromkeys(filter(None, main), 0)
    for name, weight in zip(costs.process.tolist(), costs.exclusive_ns.tolist(), strict=True):
        work[name] = work.get(name, 0) + weight
    busiest = ", ".join(sorted(work, key=lambda name: -work[name])[:5])
    return InputError(f"asked for process {wanted}, found none in these runs. The busiest are {busiest}.")


def _process_names(costs: store.Costs, chosen: Bool) -> dict[str, str]:
    """The names of the processes in scope, by run."""
    pairs = dict.fromkeys(zip(costs.run_id[chosen].tolist(), costs.process[chosen].tolist(), strict=True))
    names: dict[str, list[str]] = {}
    for run_id, name in pairs:
        names.setdefault(str(run_id), []).append(name)
    return {run_id: each[0] if len(each) == 1 else f"{len(each)} processes" for run_id, each in names.items()}


def _by_run(costs: store.Costs, chosen: Bool) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row in np.flatnonzero(chosen).tolist():
        rows.setdefault(str(costs.run_id[row]), []).append(row)
    return rows


def _facts(run: store.Run, process: str) -> RunFacts:
    return RunFacts(
        run.run_id,
        process,
        run.machine,
        run.build,
        run.is_dirty,
        run.detail,
        run.interval_ns,
        run.unresolved_share,
        run.caveats,
        is_pooled(run),
        run.commit_sha,
        run.cpu,
        run.cores,
        run.samples,
        run.lost_events,
        run.lost_buffers,
        run.measured,
    )
