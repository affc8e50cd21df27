"""Revisions against real git: every kind of clone, names like options, and the nearest ancestor on any graph."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfdb.errors import RevisionError, UsageError
from perfdb.revisions import Commit, Repository, RevisionRange, parse_range
from tests.conftest import FIRST_COMMIT_AT, GitRepo

UNKNOWN = "0123456789" * 4


def found(path: Path) -> Repository:
    repository = Repository.find(path)
    assert repository is not None
    return repository


@pytest.fixture
def history(git_repo: GitRepo) -> dict[str, str]:
    """Hashes by name:  a ── b ── c ── m (main)
    └── d ───┘ (side)
    """
    shas = {"a": git_repo.commit({"a": "1"}, "Start"), "b": git_repo.commit({"b": "1"}, "Go on")}
    git_repo.branch("side")
    shas["d"] = git_repo.commit({"d": "1"}, "Aside")
    git_repo.checkout("main")
    shas["c"] = git_repo.commit({"c": "1"}, "Straight on")
    shas["m"] = git_repo.merge("side")
    return shas


# ---- finding ---------------------------------------------------------------------------------------------------------


def test_find_from_below(git_repo: GitRepo) -> None:
    git_repo.commit({"deep/down/file": "1"})

    assert git_repo.path.resolve() == found(git_repo.path / "deep/down").path.resolve()


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert Repository.find(tmp_path) is None


def test_no_git_program(git_repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert Repository.find(git_repo.path) is None


def test_the_folder_decides_not_the_environment(
    git_repo: GitRepo, history: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = GitRepo.create(tmp_path / "other")
    other.commit({"x": "1"})
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    monkeypatch.setenv("GIT_INDEX_FILE", "nonsense")

    repository = found(git_repo.path)

    assert history["m"] == repository.resolve("HEAD")
    assert not repository.is_dirty()


def test_other_language(git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(git_repo.path.parent.parent))

    assert Repository.find(git_repo.path.parent) is None


def test_refused_by_safe_directory(git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own tests use it

    with pytest.raises(RevisionError, match="it says: .*dubious ownership(.|\n)*safe.directory"):
        Repository.find(git_repo.path)


def test_broken_repository(git_repo: GitRepo) -> None:
    (git_repo.path / "sub").mkdir()
    (git_repo.path / "sub/.git").write_text("gitdir: nowhere")

    with pytest.raises(RevisionError, match="it says: fatal"):
        Repository.find(git_repo.path / "sub")


# ---- resolving -------------------------------------------------------------------------------------------------------


def test_resolve(git_repo: GitRepo, history: dict[str, str]) -> None:
    git_repo.git("tag", "-a", "v1", "-m", "annotated", history["b"])
    git_repo.git("tag", "a-file", git_repo.git("rev-parse", f"{history['a']}:a"))
    names = {
        "main": "m", "HEAD": "m", "@": "m", "refs/heads/side": "d", "v1": "b", "v1~1": "a", "HEAD^2": "d",
        "HEAD~3": "a", history["c"]: "c", history["c"][:10]: "c", ":/Aside": "d", "main@{0}": "m",
    }  # fmt: skip
    unknown = ["", "nope", "-x", "--all", "--help", "HEAD~9", "a-file", "HEAD:a", "main\nmain", "a\0b", "main side",
               "a..b", UNKNOWN, "ä", "^main", "main^{tree}"]  # fmt: skip

    repository = found(git_repo.path)

    assert {name: history[letter] for name, letter in names.items()} == {
        name: repository.resolve(name) for name in names
    }
    assert dict.fromkeys(unknown) == {name: repository.resolve(name) for name in unknown}


def test_a_name_that_looks_like_an_option(git_repo: GitRepo, history: dict[str, str]) -> None:
    git_repo.git("update-ref", "refs/heads/--all", history["a"])

    assert history["a"] == found(git_repo.path).resolve("--all")
    assert history["a"] == found(git_repo.path).merge_base("--all", "main")


def test_ambiguous_abbreviation(git_repo: GitRepo) -> None:
    starts = [sha[:4] for sha in graph(git_repo, [[] for _ in range(1500)])]  # git takes four characters or more
    repository = found(git_repo.path)
    start = next(start for start in starts if starts.count(start) > 1)

    with pytest.raises(RevisionError, match="begins more than one hash .* Write more of it"):
        repository.resolve(start)


def test_nothing_committed_yet(git_repo: GitRepo) -> None:
    repository = found(git_repo.path)

    for rev in ("HEAD", "@", "HEAD~1", "@^"):
        with pytest.raises(RevisionError, match="nothing is committed yet"):
            repository.resolve(rev)
    assert repository.resolve("main") is None
    assert not repository.is_dirty()
    with pytest.raises(RevisionError, match="knows no revision 'main'"):
        repository.nearest("main", [])


def test_detached_head(git_repo: GitRepo, history: dict[str, str]) -> None:
    git_repo.checkout(history["b"])

    assert history["b"] == found(git_repo.path).resolve("HEAD")


# ---- a commit's facts ------------------------------------------------------------------------------------------------


def test_commit(git_repo: GitRepo, history: dict[str, str]) -> None:
    repository = found(git_repo.path)
    tree = git_repo.git("rev-parse", "main^{tree}")

    merge = Commit(history["m"], tree, FIRST_COMMIT_AT + timedelta(hours=4), (history["c"], history["d"]), "merge")
    assert merge == repository.commit(history["m"])
    assert repository.commit(history["a"]).parent_shas == ()
    assert "Aside" == repository.subject(history["d"])


@pytest.mark.parametrize("sha", [UNKNOWN, "HEAD", "main", "", "--help", f"{UNKNOWN}\n"])
def test_commit_takes_full_hashes_only(git_repo: GitRepo, history: dict[str, str], sha: str) -> None:
    with pytest.raises(RevisionError, match="holds no commit"):
        found(git_repo.path).commit(sha)


def test_a_tree_is_no_commit(git_repo: GitRepo, history: dict[str, str]) -> None:
    with pytest.raises(RevisionError, match="holds no commit"):
        found(git_repo.path).commit(git_repo.git("rev-parse", "main^{tree}"))


@pytest.mark.parametrize(
    ("header", "message", "subject"),
    [
        (b"", b"One\nline\n\nBody\n", "One line"),
        (b"", b"", ""),
        (b"", b"\n\nLate  start\n \nBody", "Late start"),
        (b"", b"caf\xe9", "caf\ufffd"),
        (b"encoding ISO-8859-1\n", b"caf\xe9", "café"),
        (b"encoding no-such-thing\n", b"caf\xc3\xa9", "café"),
        (b"gpgsig -----BEGIN\n tree of lies\n parent of lies\n -----END\n", b"Signed", "Signed"),
    ],
)
def test_subjects(git_repo: GitRepo, header: bytes, message: bytes, subject: str) -> None:
    git_repo.commit({"a": "1"})
    tree = git_repo.git("rev-parse", "HEAD^{tree}")
    who = b"N <n@example.org> 1700000000 -0730"
    raw = b"tree %s\nauthor %s\ncommitter %s\n%s\n%s" % (tree.encode(), who, who, header, message)
    sha = git_repo.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=raw)

    expected = Commit(sha, tree, datetime.fromtimestamp(1_700_000_000, UTC), (), subject)
    assert expected == found(git_repo.path).commit(sha)


@pytest.mark.parametrize(
    ("at", "year"), [(b"> -86400 +0000", 1969), (b"> 99999999999999999999 +0000", 1970), (b"nobody", 1970)]
)
def test_impossible_dates(git_repo: GitRepo, at: bytes, year: int) -> None:
    git_repo.commit({"a": "1"})
    tree = git_repo.git("rev-parse", "HEAD^{tree}").encode()
    raw = b"tree %s\nauthor N <n@e> 1 +0000\ncommitter N <n@e%s\n\nx" % (tree, at)
    sha = git_repo.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=raw)

    assert year == found(git_repo.path).commit(sha).committed_at.year


# ---- dirty -----------------------------------------------------------------------------------------------------------


def test_dirty_as_git_describes_it(git_repo: GitRepo) -> None:
    git_repo.commit({"a": "1", "b": "2"})
    repository = found(git_repo.path)

    def both() -> tuple[bool, bool]:
        return repository.is_dirty(), git_repo.git("describe", "--always", "--dirty").endswith("-dirty")

    assert both() == (False, False)
    (git_repo.path / "untracked").write_text("x")
    assert both() == (False, False)
    (git_repo.path / "a").write_text("1")  # touched, the same inside
    assert both() == (False, False)
    (git_repo.path / "a").write_text("changed")
    assert both() == (True, True)
    git_repo.git("add", "a")
    assert both() == (True, True)
    git_repo.git("commit", "-q", "-m", "x")
    (git_repo.path / "b").unlink()
    assert both() == (True, True)


# ---- kinds of clones -------------------------------------------------------------------------------------------------


def test_bare(git_repo: GitRepo, history: dict[str, str], tmp_path: Path) -> None:
    git_repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))

    repository = found(tmp_path / "bare.git")

    assert history["m"] == repository.resolve("HEAD")
    assert "merge" == repository.subject(history["m"])
    assert not repository.is_dirty()
    assert (history["b"], 2) == repository.nearest("main", {history["b"]})


def test_inside_the_git_folder(git_repo: GitRepo, history: dict[str, str]) -> None:
    repository = found(git_repo.path / ".git" / "refs")

    assert history["m"] == repository.resolve("main")
    assert not repository.is_dirty()


def test_worktree(git_repo: GitRepo, history: dict[str, str], tmp_path: Path) -> None:
    git_repo.git("worktree", "add", "-q", str(tmp_path / "tree"), "side")

    repository = found(tmp_path / "tree")

    assert history["d"] == repository.resolve("HEAD")
    assert history["m"] == repository.resolve("main")
    (tmp_path / "tree" / "a").write_text("changed")
    assert repository.is_dirty()
    assert not found(git_repo.path).is_dirty()


def test_submodule(git_repo: GitRepo, history: dict[str, str], tmp_path: Path) -> None:
    outer = GitRepo.create(tmp_path / "outer")
    outer.commit({"x": "1"})
    outer.git("submodule", "--quiet", "add", str(git_repo.path), "sub")
    outer.commit({}, "Add the submodule")
    inner = outer.path / "sub"

    assert history["m"] == found(inner).resolve("HEAD")
    assert not found(outer.path).is_dirty()
    (inner / "untracked").write_text("x")
    assert not found(outer.path).is_dirty()
    (inner / "a").write_text("changed")
    assert found(outer.path).is_dirty()


def test_shallow(git_repo: GitRepo, history: dict[str, str], tmp_path: Path) -> None:
    git_repo.git("clone", "-q", "--depth", "2", git_repo.path.as_uri(), str(tmp_path / "shallow"))
    repository = found(tmp_path / "shallow")

    # m, c and d are there; b, behind them, is not, but its name is known from its children
    assert (history["b"],) == repository.commit(history["c"]).parent_shas
    assert repository.resolve(history["b"]) is None
    assert (history["b"], 2) == repository.nearest("HEAD", {history["a"], history["b"]})
    assert repository.nearest("HEAD", {history["a"]}) is None
    assert repository.is_shallow()
    assert not found(git_repo.path).is_shallow()


# ---- ancestry --------------------------------------------------------------------------------------------------------


def test_merge_base(git_repo: GitRepo, history: dict[str, str]) -> None:
    git_repo.git("checkout", "-q", "--orphan", "alone")
    alone = git_repo.commit({}, "Alone")
    repository = found(git_repo.path)

    assert history["b"] == repository.merge_base(history["c"], "side")
    assert history["d"] == repository.merge_base("main", "side")
    assert history["m"] == repository.merge_base("main", "main")
    assert repository.merge_base("main", alone) is None
    with pytest.raises(RevisionError, match="knows no revision 'nope'. Run `git fetch`"):
        repository.merge_base("main", "nope")


def test_nearest(git_repo: GitRepo, history: dict[str, str]) -> None:
    a, b, c, d, m = (history[name] for name in "abcdm")
    repository = found(git_repo.path)

    assert (m, 0) == repository.nearest(m, {a, m})
    assert (c, 1) == repository.nearest(m, {d, c})  # equally near: the first parent
    assert (d, 1) == repository.nearest(m, {d, b, a})
    assert (a, 3) == repository.nearest("main", [a])
    assert repository.nearest(c, {d, m}) is None  # neither is an ancestor
    assert repository.nearest(m, {UNKNOWN}) is None
    assert repository.nearest(m, ()) is None
    assert repository.nearest(m, {a}, limit=2) is None
    with pytest.raises(RevisionError, match="knows no revision"):
        repository.nearest(UNKNOWN, {a})


def test_ancestors(git_repo: GitRepo, history: dict[str, str]) -> None:
    a, b, c, d, m = (history[name] for name in "abcdm")
    repository = found(git_repo.path)

    assert [(c, 1), (d, 1), (b, 2), (a, 3)] == repository.ancestors("main", {a, b, c, d, m, UNKNOWN})
    assert [(c, 1), (a, 3)] == repository.ancestors(m, [a, c])
    assert [(c, 1), (d, 1)] == repository.ancestors(m, {a, c, d}, count=2)
    assert [(c, 1), (d, 1)] == repository.ancestors(m, {a, c, d}, limit=2)
    assert [(b, 1)] == repository.ancestors(c, {b, c, d, m})
    assert [] == repository.ancestors(m, ())
    assert [] == repository.ancestors(m, {m})
    assert [] == repository.ancestors(m, {a}, count=0)
    with pytest.raises(RevisionError, match="knows no revision"):
        repository.ancestors(UNKNOWN, {a})


def test_ancestors_that_a_shallow_clone_has(git_repo: GitRepo, history: dict[str, str], tmp_path: Path) -> None:
    git_repo.git("clone", "-q", "--depth", "2", git_repo.path.as_uri(), str(tmp_path / "shallow"))

    ancestors = found(tmp_path / "shallow").ancestors("HEAD", history.values())

    assert [(history["c"], 1), (history["d"], 1), (history["b"], 2)] == ancestors  # b by its children's word


def test_no_more_is_read_than_is_asked_for(git_repo: GitRepo, history: dict[str, str]) -> None:
    loose = git_repo.path / ".git/objects" / history["a"][:2] / history["a"][2:]
    loose.chmod(0o644)
    loose.write_bytes(b"garbage")
    repository = found(git_repo.path)

    assert [(history["b"], 2)] == repository.ancestors("main", {history["b"]})
    assert [(history["c"], 1)] == repository.ancestors("main", {history["c"], UNKNOWN}, count=1)
    with pytest.raises(RevisionError, match="git fsck"):
        repository.ancestors("main", {history["b"], UNKNOWN})


def test_dates_do_not_mislead(git_repo: GitRepo) -> None:
    """A near parent dated long before a far one: an order by date would meet the far one first."""
    shas = graph(git_repo, [[], [0], [1], [2], [0, 3]], at=[10, 20, 30, 40, 50])
    old = graph(git_repo, [[], [0]], at=[1, 2])
    tip = graph(git_repo, [[]], at=[60], onto=[shas[4], old[1]])

    assert (old[1], 1) == found(git_repo.path).nearest(tip[0], {shas[2], old[1]})


def test_a_broken_repository_is_said_to_be_so(git_repo: GitRepo, history: dict[str, str]) -> None:
    loose = git_repo.path / ".git/objects" / history["c"][:2] / history["c"][2:]
    loose.chmod(0o644)
    loose.write_bytes(b"garbage")

    with pytest.raises(RevisionError, match="git fsck"):
        found(git_repo.path).nearest("main", {history["a"]})


def test_a_repository_that_went_away(tmp_path: Path) -> None:
    with pytest.raises(RevisionError, match="git fsck"):
        Repository(tmp_path / "gone").commit(UNKNOWN)


def graph(
    repo: GitRepo, parents: list[list[int]], at: list[int] | None = None, onto: list[str] | None = None
) -> list[str]:
    """Commits with these parents (places of earlier ones in the list) and dates, made in one go; their hashes."""
    lines = []
    for number, mine in enumerate(parents):
        shas = [f":{parent + 1}" for parent in mine] + ((onto or []) if number == 0 else [])
        lines += ["reset refs/heads/graph", f"commit refs/heads/graph\nmark :{number + 1}"]
        lines += [
            f"committer N <n@example.org> {1_600_000_000 + (at[number] if at else number)} +0000\ndata 1\n{number % 10}"
        ]
        lines += [f"{'merge' if place else 'from'} {sha}" for place, sha in enumerate(shas)]
        lines += [f"M 100644 inline file\ndata <<.\n{number} {at} {onto}\n.", ""]
    marks = repo.path / ".git" / "marks"
    repo.git("fast-import", "--quiet", "--force", f"--export-marks={marks}", given="\n".join(lines).encode())
    by_mark = dict(line.split() for line in marks.read_text().splitlines())
    return [by_mark[f":{number + 1}"] for number in range(len(parents))]


def distances_twin(start: int, parents: list[list[int]], wanted: set[int]) -> dict[int, int]:
    """The distance of each wanted one that is reached, one commit at a time."""
    distances, queue = {start: 0}, deque([start])
    while queue:
        here = queue.popleft()
        for parent in parents[here]:
            if parent not in distances:
                distances[parent] = distances[here] + 1
                queue.append(parent)
    return {place: steps for place, steps in distances.items() if place in wanted}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[list[int]], list[int], int, set[int]]:
    """Parents and dates by commit, one commit to start at, and the candidates."""
    size = draw(st.integers(1, 40))
    parents: list[list[int]] = []
    for number in range(size):
        # Mostly near ones, so that histories get long; up to three, as in an octopus.
        near = st.integers(max(0, number - 4), number - 1) if number else st.nothing()
        parents.append(draw(st.lists(near, max_size=3 if number else 0, unique=True)))
    places = st.integers(0, size - 1)
    return parents, draw(st.permutations(range(size))), draw(places), draw(st.sets(places, max_size=6))


@settings(max_examples=30)
@given(case=graphs())
def test_nearest_on_any_graph(tmp_path_factory: pytest.TempPathFactory, case: Any) -> None:
    parents, dates, start, wanted = case
    repo = GitRepo.create(tmp_path_factory.mktemp("graph"))
    shas = graph(repo, parents, list(dates))

    expected = {shas[place]: steps for place, steps in distances_twin(start, parents, wanted).items()}
    nearest = found(repo.path).nearest(shas[start], {shas[place] for place in wanted})
    ancestors = found(repo.path).ancestors(shas[start], {shas[place] for place in wanted})

    assert (not expected) == (nearest is None)
    if nearest:
        assert min(expected.values()) == nearest[1] == expected[nearest[0]]
    expected.pop(shas[start], None)
    assert expected == dict(ancestors)
    assert sorted(expected.values()) == [steps for _, steps in ancestors]


def test_long_and_wide_histories(git_repo: GitRepo) -> None:
    """More commits at one distance than are asked of git at once, and more questions than a pipe holds."""
    wide = graph(git_repo, [[], *[[0] for _ in range(300)], list(range(1, 301))])
    repository = found(git_repo.path)

    assert (wide[0], 2) == repository.nearest(wide[-1], {wide[0]})
    assert (wide[300], 1) == repository.nearest(wide[-1], {wide[0], wide[300]})


# ---- ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "range_"),
    [
        ("main", RevisionRange("main")),
        ("main..side", RevisionRange("main", "side")),
        ("main...side", RevisionRange("main", "side", from_merge_base=True)),
        ("v1.0...v1.1", RevisionRange("v1.0", "v1.1", from_merge_base=True)),
        ("main...", RevisionRange("main", "HEAD", from_merge_base=True)),
        ("..side", RevisionRange("HEAD", "side")),
        ("HEAD~2", RevisionRange("HEAD~2")),
        ("-x", RevisionRange("-x")),
    ],
)
def test_parse_range(text: str, range_: RevisionRange) -> None:
    assert range_ == parse_range(text)


@pytest.mark.parametrize("text", ["", "..", "...", "a....b", "a..b..c", "a...b...c"])
def test_no_range(text: str) -> None:
    with pytest.raises(UsageError, match="Write A, A..B, or A...B"):
        parse_range(text)


def test_the_fixture_makes_the_same_hashes_everywhere(git_repo: GitRepo) -> None:
    assert "3039b40d39a624cb59894d84476108e235b66b2c" == git_repo.commit({"a": "1"}, "Start")


def test_git_runs_once_per_walk(git_repo: GitRepo, history: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    popen = subprocess.Popen

    class Counting(popen):  # type: ignore[valid-type, misc]
        def __init__(self, command: list[str], *rest: Any, **options: Any) -> None:
            started.append(command)
            assert "GIT_DIR" not in options.get("env", os.environ)
            super().__init__(command, *rest, **options)

    repository = found(git_repo.path)
    monkeypatch.setattr(subprocess, "Popen", Counting)

    repository.nearest("main", {history["a"]})
    assert len(started) == 2  # one to resolve the name, one for all the commits
    repository.ancestors("main", {history["a"], UNKNOWN})
    assert len(started) == 4
