"""Earlier runs: of which commits by git and by date, and only such as may be put beside the compared ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from perfdb import store
from perfdb.api.earlier import earlier_runs
from perfdb.compare.sides import Side
from perfdb.profile import Machine
from perfdb.profile.columns import LEAF, MEASURED
from perfdb.revisions import Repository
from tests.conftest import FIRST_COMMIT_AT, GitRepo
from tests.store.profiles import MACHINE, new_run, profile

HOUR = timedelta(hours=1)
RECORDED_AT = datetime(2025, 1, 1, tzinfo=UTC)


class Book:
    """A history in which runs are written by the name of their commit and read by earlier_runs."""

    def __init__(self, connection: store.Connection) -> None:
        self.connection = connection
        self.names: dict[str, str] = {}
        self._written = 0

    def record(
        self,
        *shas: str,
        at: datetime | None = FIRST_COMMIT_AT,
        example: str = "simple",
        machine: Machine = MACHINE,
        detail: str = "",
        **more: Any,
    ) -> None:
        """A run of each commit in this order; `at` is when the first was committed, each other an hour later."""
        for number, sha in enumerate(shas):
            self._written += 1
            read = profile({"app.exe": (("app.exe!main", 5),)}, source=f"{self._written}.etl")
            read = replace(read, machine=machine)
            revision = store.Revision(sha, at + number * HOUR if at else None)
            moment = RECORDED_AT + self._written * HOUR
            run = new_run(example=example, recorded_at=moment, revision=revision, build="Release")
            run_id = store.write_run(self.connection, read, replace(run, **more))
            if detail:
                self.connection.execute("update run set detail = ? where run_id = ?::uuid", [detail, run_id])

    def earlier(
        self,
        baseline: str,
        contender: str,
        repository: Repository | None = None,
        limit: int = 20,
        examples: Sequence[str] = ("simple",),
        build: str | None = None,
        stands_for: str | None = None,
    ) -> dict[str, list[str]]:
        """The commits of the earlier runs, by example."""
        sides = [Side(sha, sha, "", "exact", 0, sha) for sha in (baseline, contender)]
        if stands_for:
            sides[0] = replace(sides[0], commit_sha=stands_for, how="same-tree")
        recorded = store.recorded_commits(self.connection)
        found = earlier_runs(self.connection, repository, sides[0], sides[1], examples, recorded, build, limit).runs
        return {example: [run.commit_sha for run in runs] for example, runs in found.items()}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with store.opened_for_write(tmp_path / "history.duckdb") as connection:
        yield Book(connection)


# ---- by git ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def graph(git_repo: GitRepo) -> dict[str, str]:
    """Hashes by name:  a ── b ── c ── m ── n (main)
    └── d ── e (side, from a; merged into m as e)
    """
    shas = {"a": git_repo.commit({"a": "1"})}
    git_repo.branch("side")
    shas |= {name: git_repo.commit({name: "1"}) for name in "de"}
    git_repo.checkout("main")
    shas |= {name: git_repo.commit({name: "1"}) for name in "bc"}
    shas["m"] = git_repo.merge("side")
    shas["n"] = git_repo.commit({"n": "1"})
    git_repo.branch("topic", shas["c"])
    shas["x"] = git_repo.commit({"x": "1"})
    return shas


def found(repo: GitRepo) -> Repository:
    repository = Repository.find(repo.path)
    assert repository is not None
    return repository


def named(graph: dict[str, str], commits: Sequence[str]) -> str:
    names = {sha: name for name, sha in graph.items()}
    return " ".join(names.get(sha, sha) for sha in commits)


def test_ancestors_come_the_nearest_first_and_no_other_branch_does(
    book: Book, git_repo: GitRepo, graph: dict[str, str]
) -> None:
    book.record(*graph.values())
    repository = found(git_repo)

    def names(baseline: str, contender: str, **more: Any) -> str:
        return named(graph, book.earlier(graph[baseline], graph[contender], repository, **more).get("simple", []))

    assert "m c e b d a" == names("n", "x")
    assert "b a" == names("c", "x")
    assert "m e b d a" == names("n", "c")  # backwards: the contender is an ancestor, and no history
    assert "m c" == names("n", "x", limit=2)
    assert "m" == names("n", "x", limit=1)
    assert "" == names("a", "n")


def test_with_a_limit_of_none_or_without_examples_nothing_is_asked(book: Book, tmp_path: Path) -> None:
    book.record("one", "two")
    gone = Repository(tmp_path / "gone")

    assert {} == book.earlier("two", "three", gone, limit=0)
    assert {} == book.earlier("two", "three", gone, examples=())


def test_ancestors_without_a_known_date_are_found(book: Book, git_repo: GitRepo, graph: dict[str, str]) -> None:
    book.record(graph["b"], at=None)
    book.record(graph["n"], graph["x"])
    assert {"simple": [graph["b"]]} == book.earlier(graph["n"], graph["x"], found(git_repo))

    book.record(graph["c"], at=None)
    book.record(graph["b"])
    assert {"simple": [graph["b"], graph["b"]]} == book.earlier(graph["c"], graph["x"], found(git_repo))


def test_git_decides_whatever_the_dates_say(book: Book, git_repo: GitRepo, graph: dict[str, str]) -> None:
    dates = {"x": 50, "n": 40, "c": 39, "d": 1, "b": 60, "a": 70}  # hours; b and a are dated more than a day after n
    for name, hours in dates.items():
        book.record(graph[name], at=FIRST_COMMIT_AT + hours * HOUR)

    earlier = book.earlier(graph["n"], graph["x"], found(git_repo))

    assert {"simple": "c b d"} == {example: named(graph, commits) for example, commits in earlier.items()}


def test_a_commit_that_git_lost_is_looked_for_by_the_one_that_it_stands_for(
    book: Book, git_repo: GitRepo, graph: dict[str, str]
) -> None:
    lost = "5" * 40
    book.record(graph["b"], lost, graph["m"], graph["x"])

    earlier = book.earlier(lost, graph["x"], found(git_repo), stands_for=graph["c"])

    assert {"simple": [graph["b"]]} == earlier


def test_a_shallow_clone_is_helped_out_by_dates(
    book: Book, git_repo: GitRepo, graph: dict[str, str], tmp_path: Path
) -> None:
    git_repo.git("clone", "-q", "--depth", "1", "-b", "main", git_repo.path.as_uri(), str(tmp_path / "shallow"))
    book.record(*(graph[name] for name in "abcmnx"))
    repository = Repository.find(tmp_path / "shallow")

    assert "m c b a" == named(graph, book.earlier(graph["n"], graph["x"], repository)["simple"])
    assert "m c" == named(graph, book.earlier(graph["n"], graph["x"], repository, limit=2)["simple"])


def test_a_damaged_repository_does_not_stop_a_diff(book: Book, git_repo: GitRepo, graph: dict[str, str]) -> None:
    book.record(*(graph[name] for name in "abcmn"))
    loose = git_repo.path / ".git/objects" / graph["b"][:2] / graph["b"][2:]
    loose.chmod(0o644)
    loose.write_bytes(b"garbage")

    assert "c b a" == named(graph, book.earlier(graph["m"], graph["n"], found(git_repo))["simple"])


# ---- by date ---------------------------------------------------------------------------------------------------------


def test_without_git_the_dates_decide(book: Book) -> None:
    book.record("one", "two", "three", "four")
    book.record("twin", at=FIRST_COMMIT_AT + 2 * HOUR)  # made at the same time as three

    assert {"simple": ["two", "one"]} == book.earlier("three", "four")
    assert {"simple": ["two", "one"]} == book.earlier("three", "four", limit=2)
    assert {} == book.earlier("one", "four")


def test_where_no_date_is_known_the_time_of_recording_decides(book: Book) -> None:
    book.record("one", "two", "three", at=None)
    book.record("made-early-recorded-late")

    assert {"simple": ["two", "one"]} == book.earlier("three", "made-early-recorded-late")
    assert {"simple": ["three", "two", "one"]} == book.earlier("made-early-recorded-late", "nothing")


def test_commits_that_git_does_not_know_go_by_date(book: Book, git_repo: GitRepo, graph: dict[str, str]) -> None:
    git_repo.git("branch", "two", graph["x"])  # a branch of that name is not the recorded commit
    book.record("one", "two", "three")

    assert {"simple": ["one"]} == book.earlier("two", "three", found(git_repo))


# ---- which runs ------------------------------------------------------------------------------------------------------


def test_each_example_has_its_own_runs_up_to_the_limit(book: Book) -> None:
    for example, commits in (("simple", "abcz"), ("templates", "abz"), ("other", "az")):
        book.record(*commits, example=example)
        book.record(*commits, example=example)

    earlier = book.earlier("z", "y", limit=3, examples=("simple", "templates", "unknown"))

    assert {"simple": ["c", "c", "b"], "templates": ["b", "b", "a"]} == earlier


def test_runs_that_would_make_the_comparison_poorer_or_be_left_out_are_not_history(book: Book) -> None:
    book.record("good")
    book.record("dirty", is_dirty=True)
    book.record("debug", build="Debug")
    book.record("leaf", detail=LEAF)
    book.record("elsewhere", machine=Machine("LAPTOP", "", "Intel i7", 8))
    book.record("like", machine=replace(MACHINE, hostname="BUILD-8"))
    book.record("told-by-name", machine=Machine(MACHINE.hostname.lower()))
    book.record("baseline", at=FIRST_COMMIT_AT + 9 * HOUR)

    assert {"simple": ["good", "like", "told-by-name"]} == {
        example: sorted(commits) for example, commits in book.earlier("baseline", "nothing").items()
    }


def test_what_one_of_the_compared_runs_is_like_is_taken(book: Book) -> None:
    book.record("debug", build="Debug")
    book.record("leaf", detail=LEAF)
    book.record("baseline", at=FIRST_COMMIT_AT + 9 * HOUR)
    book.record("contender", at=FIRST_COMMIT_AT + 9 * HOUR, build="Debug")
    book.record("contender", at=FIRST_COMMIT_AT + 9 * HOUR, detail=LEAF)

    assert ["debug", "leaf"] == sorted(book.earlier("baseline", "contender")["simple"])
    assert {"simple": ["debug"]} == book.earlier("baseline", "contender", build="Debug")


def test_profiles_and_results_of_benchmarks_do_not_crowd_each_other_out(book: Book) -> None:
    for detail in ("", MEASURED):
        book.record("a", "b", "c", "d", detail=detail)

    assert {"simple": ["b", "b", "a", "a"]} == book.earlier("c", "d")
    assert {"simple": ["b", "b"]} == book.earlier("c", "d", limit=1)


def test_of_profiles_alone_no_result_of_a_benchmark_is_history(book: Book) -> None:
    book.record("a", "c", "d")
    book.record("b", detail=MEASURED)

    assert {"simple": ["a"]} == book.earlier("c", "d")
