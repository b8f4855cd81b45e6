import csv
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command_line
from benchmarks import pages, report, runner, speed
from benchmarks.gap import duality_gap, lambda_max
from benchmarks.paths import PATHS, PymtlPath
from benchmarks.peers import PEERS, Peer, block_diagonal
from benchmarks.problems import FULL, QUICK, Spec, make_problem
from benchmarks.rows import Run, floor

SHARED = Spec("shared-tiny", True, 4, (40, 40), 12, 0.1, n_active=4)
PER_TASK = Spec("tasks-tiny", False, 3, (9, 20), 12, 0.1, n_active=4, spread=0.5)


@pytest.fixture(params=[SHARED, PER_TASK], ids=lambda spec: spec.name)
def problem(request):
    return make_problem(request.param)


def objective(problem, W):
    loss = sum(
        np.mean((y - X @ w) ** 2) / 2
        for X, y, w in zip(problem.Xs, problem.ys, W.T, strict=True)
    )
    return loss + problem.alpha * sum(np.sqrt((row**2).sum()) for row in W)


def solve(name, problem, tol):
    return PEERS[name](problem).solve(tol)


def test_gap_is_zero_at_the_optimum_of_an_independent_solver(problem):
    cvxpy = pytest.importorskip("cvxpy")
    d, T = problem.spec.n_features, problem.spec.n_tasks
    W = cvxpy.Variable((d, T))
    loss = sum(
        cvxpy.sum_squares(y - X @ W[:, t]) / (2 * len(y))
        for t, (X, y) in enumerate(zip(problem.Xs, problem.ys, strict=True))
    )
    penalty = cvxpy.sum(cvxpy.norm(W, 2, axis=1))
    total = cvxpy.Minimize(loss + problem.alpha * penalty)
    minimum = cvxpy.Problem(total).solve(solver=cvxpy.CLARABEL)
    gap = duality_gap(problem.Xs, problem.ys, W.value, problem.alpha)
    assert gap.primal == pytest.approx(minimum, rel=1e-8)
    assert gap.dual == pytest.approx(minimum, rel=1e-6)
    assert 0 <= gap.relative < 1e-6

    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-1, 1.0):
        V = W.value + size * rng.standard_normal((d, T))
        gap = duality_gap(problem.Xs, problem.ys, V, problem.alpha)
        assert gap.primal == pytest.approx(objective(problem, V), rel=1e-12)
        assert gap.dual <= minimum * (1 + 1e-9) <= gap.primal
    # residuals that oppose y: zero is the best feasible multiple of them
    assert duality_gap(problem.Xs, problem.ys, 3 * W.value, problem.alpha).dual == 0


def test_gap_at_zero_closes_exactly_at_lambda_max(problem):
    Xs, ys = problem.Xs, problem.ys
    largest = lambda_max(Xs, ys)
    W = np.zeros((problem.spec.n_features, problem.spec.n_tasks))
    gap = duality_gap(Xs, ys, W, largest)
    assert gap.primal == pytest.approx(gap.null, rel=1e-12)
    assert gap.relative == pytest.approx(0, abs=1e-12)
    assert duality_gap(Xs, ys, W, 0.99 * largest).relative > 1e-5


def test_gap_where_the_residuals_vanish():
    rng = np.random.default_rng(0)
    Xs = [rng.standard_normal((3, 8)) for _ in range(2)]
    W = rng.standard_normal((8, 2))
    ys = [X @ w for X, w in zip(Xs, W.T, strict=True)]
    gap = duality_gap(Xs, ys, W, 0.5)
    assert gap.primal == pytest.approx(0.5 * np.linalg.norm(W, axis=1).sum())
    assert 0 <= gap.dual < gap.primal


def test_problems_are_seeded_centred_and_as_declared(problem):
    spec = problem.spec
    again = make_problem(spec)
    assert len(problem.Xs) == len(problem.ys) == spec.n_tasks
    for X, y, other in zip(problem.Xs, problem.ys, again.Xs, strict=True):
        np.testing.assert_array_equal(X, other)
        assert X.shape == (len(y), spec.n_features)
        assert spec.n_samples[0] <= len(y) <= spec.n_samples[1]
        np.testing.assert_allclose([*X.mean(axis=0), y.mean()], 0, atol=1e-12)
    assert (problem.Xs[0] is problem.Xs[1]) == spec.shared
    assert problem.alpha == pytest.approx(
        spec.fraction * lambda_max(problem.Xs, problem.ys)
    )


def test_names_are_unique():
    names = [spec.name for spec in (*FULL, *QUICK)]
    assert len(set(names)) == len(names)
    for quick in (True, False):
        names = [(row.group, row.work) for row in speed.rows(quick)]
        assert len(set(names)) == len(names)


def test_block_diagonal_design_has_the_same_objective(problem):
    X, y = block_diagonal(problem)
    W = np.random.default_rng(1).standard_normal(
        (problem.spec.n_features, problem.spec.n_tasks)
    )
    penalty = problem.alpha * np.linalg.norm(W, axis=1).sum()
    stacked = np.mean((y - X @ W.ravel()) ** 2) / 2 + penalty
    assert stacked == pytest.approx(objective(problem, W), rel=1e-12)


def test_fista_agrees_with_scikit_learn():
    problem = make_problem(SHARED)
    W = solve("scikit-learn", problem, 1e-12)
    assert 0 < (W.any(axis=1)).sum() < len(W)
    np.testing.assert_allclose(solve("NumPy FISTA", problem, 1e-10), W, atol=1e-7)


def test_fista_with_designs_per_task():
    problem = make_problem(PER_TASK)
    W = solve("NumPy FISTA", problem, 1e-10)
    gap = duality_gap(problem.Xs, problem.ys, W, problem.alpha)
    assert gap.relative < 1e-8


@pytest.mark.parametrize(
    "name", [name for name, peer in PEERS.items() if peer.module != "numpy"]
)
def test_every_installed_peer_solves_the_problems_it_supports(name):
    peer = PEERS[name]
    pytest.importorskip(peer.module.partition(".")[0])
    if name.startswith("skglm"):
        pytest.skip("compiles for ten seconds")
    for spec in (SHARED, PER_TASK):
        if peer.supports(spec):
            solver = peer(make_problem(spec))
            assert solver.gap(solver.solve(solver.start * 1e-2)) < 1e-5


@pytest.mark.parametrize("name", PATHS)
def test_every_installed_path_has_all_its_points(name):
    pytest.importorskip(PATHS[name].module.partition(".")[0])
    lasso = replace(PER_TASK, order=1, n_strengths=4)
    specs = [replace(spec, n_strengths=4) for spec in (SHARED, PER_TASK)] + [lasso]
    specs = [spec for spec in specs if PATHS[name].supports(spec)]
    assert specs
    for spec in specs:
        solver = PATHS[name](make_problem(spec))
        W = solver.solve(solver.start * 1e-2)
        assert np.shape(W) == (4, spec.n_features, spec.n_tasks)
        assert solver.gap(W) < 1e-5


class Ladder(Peer):
    """Shrinks the optimum by tol, so that the gap falls with it."""

    name = "ladder"
    module = distribution = "numpy"

    def prepare(self):
        super().prepare()
        self.best = solve("NumPy FISTA", self.problem, 1e-12)
        self.asked = []

    def solve(self, tol):
        self.asked.append(tol)
        return (1 - tol) * self.best


@pytest.fixture
def ladder():
    return Ladder(make_problem(PER_TASK))


def test_trials_find_the_loosest_tolerance(ladder):
    trials = runner.Trials(ladder, ladder.problem, 2, emit=lambda finding: None)
    gaps = {tol: trials.call(tol)["gap"] for tol in runner.TOLERANCES}
    for k in (4, 5):  # on the decades, and between them
        found = trials.loosest(gaps[runner.TOLERANCES[k]])
        assert found == runner.TOLERANCES[k]
    assert [len(trials.calls[runner.TOLERANCES[k]]) for k in (4, 5)] == [2, 2]


def test_a_target_out_of_reach_is_said_to_be(ladder):
    ladder.best = np.zeros_like(ladder.best)
    trials = runner.Trials(ladder, ladder.problem, 2, emit=lambda finding: None)
    summary = trials.summary(1e-6)
    assert summary["status"] == "not reached"
    assert summary["gap"] > 1e-6
    assert "seconds" not in summary


def test_a_tolerance_must_hold_in_every_repeat(ladder):
    accurate = ladder.best

    def solve(tol):  # the second call at 0.01 is bad
        ladder.asked.append(tol)
        bad = tol > 1e-2 or (tol == 1e-2 and ladder.asked.count(tol) == 2)
        return np.zeros_like(accurate) if bad else accurate

    ladder.solve = solve
    trials = runner.Trials(ladder, ladder.problem, 3, emit=lambda finding: None)
    assert trials.loosest(1e-6) == 10**-2.5
    assert len(trials.calls[1e-2]) == 2


def test_coefficients_that_are_not_finite_are_an_error(ladder):
    ladder.best = ladder.best * np.nan
    trials = runner.Trials(ladder, ladder.problem, 1, emit=lambda finding: None)
    with pytest.raises(FloatingPointError, match="not finite"):
        trials.call(0.1)


@pytest.mark.parametrize("name", ["scikit-learn", "NumPy FISTA"])
def test_run_in_a_process(name):
    record = runner.run(name, SHARED, repeats=2, timeout=60)
    assert (record["status"], record["message"]) == ("ok", "")
    assert record["first_call"]["seconds"] > 0
    assert all(pool["num_threads"] == 1 for pool in record["threadpools"])
    assert [entry["target"] for entry in record["targets"]] == [1e-4, 1e-6]
    for entry in record["targets"]:
        assert entry["status"] == "ok"
        assert entry["repeats"] == 2
        assert entry["gap"] <= entry["target"]
        calls = [call for call in record["calls"] if call["tol"] == entry["tol"]]
        assert entry["gap"] in [call["gap"] for call in calls]


def test_run_ends_a_process_that_takes_too_long():
    record = runner.run("NumPy FISTA", SHARED, timeout=0.05)
    assert record["status"] == "timeout"
    assert {entry["status"] for entry in record["targets"]} == {"timeout"}


def test_run_reports_a_failure_and_a_missing_package(monkeypatch):
    wrong = Spec("wrong", True, 2, (10, 10), 4, math.nan)
    record = runner.run("scikit-learn", wrong, timeout=60)
    assert record["status"] == "failed"
    assert "alpha" in record["message"]
    assert {entry["status"] for entry in record["targets"]} == {"failed"}

    class Absent(Ladder):
        name, module = "absent", "no_such_package.inside"

    monkeypatch.setitem(PEERS, "absent", Absent)
    record = runner.run("absent", SHARED)
    assert record["status"] == "missing"
    assert "no_such_package" in report.table([record], "title")


def result(solver, seconds):
    """A record as `runner.run` returns it, with one target; None is a timeout."""
    entry = {"target": 1e-4, "gap": 2e-5, "tol": 1e-3}
    if seconds is None:
        entry |= {"status": "timeout"}
    else:
        entry |= {"status": "ok", "seconds": seconds, "repeats": 5}
    call = {"tol": 1e-3, "seconds": seconds or 1.0, "gap": 2e-5}
    return {
        "problem": "p",
        "solver": solver,
        "status": entry["status"],
        "message": "",
        "first_call": call,
        "prepare_seconds": 0.25,
        "calls": [call],
        "targets": [entry],
    }


def test_table_is_aligned_and_puts_the_fastest_first():
    records = [result("slow", None), result("pymtl", 0.5), result("peer", 0.1)]
    _, _, _, header, *rows = report.table(records, "title").splitlines()
    assert [row.split()[0] for row in rows] == ["peer", "pymtl", "slow"]
    assert rows[0].split()[1:4] == ["100", "ms", "0.20"]
    assert rows[1].split()[1:4] == ["500", "ms", "1.00"]
    assert rows[2].split()[1:3] == ["timeout", "2.0e-05"]
    for column in ("time", "gap", "tol"):
        end = header.index(column) + len(column)
        assert all(row[end - 1] != " " and row[end] == " " for row in rows)


def test_command_writes_the_results(monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(
        runner,
        "run",
        lambda name, spec, **options: result(name, 0.1) | {"problem": "p"},
    )
    assert command_line.main(["l21", "--quick", "--only", "scikit-learn", "pymtl"]) == 0
    assert "1 thread of BLAS" in capsys.readouterr().out
    content = json.loads((tmp_path / "l21-quick.json").read_text())
    assert [spec["name"] for spec in content["problems"]] == [s.name for s in QUICK]
    assert {record["solver"] for record in content["records"]} == {
        "scikit-learn",
        "pymtl",
    }
    assert (tmp_path / "l21-quick.png").read_bytes().startswith(b"\x89PNG")


def test_command_fails_when_nothing_ran(monkeypatch, tmp_path, capsys):
    missing = {"status": "missing", "message": "m", "calls": [], "targets": []}
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(
        runner,
        "run",
        lambda name, spec, **options: missing | {"problem": spec.name, "solver": name},
    )
    assert command_line.main(["l21", "--quick", "--only", "celer"]) == 1
    assert "celer: missing (m)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "option", [["--only", "nobody"], ["--problems", "none"], ["--threads", "0"]]
)
def test_command_refuses(option, capsys):
    with pytest.raises(SystemExit):
        command_line.main(["l21", *option])
    assert option[0] in capsys.readouterr().err


def test_gap_of_the_lasso_is_zero_at_its_optimum(problem):
    lasso = pytest.importorskip("sklearn.linear_model").Lasso
    alpha = 0.1 * max(
        np.abs(X.T @ y).max() / len(y)
        for X, y in zip(problem.Xs, problem.ys, strict=True)
    )
    model = lasso(alpha, fit_intercept=False, tol=1e-14, max_iter=100_000)
    data = zip(problem.Xs, problem.ys, strict=True)
    W = np.stack([model.fit(X, y).coef_ for X, y in data], axis=1)
    assert 0 <= duality_gap(problem.Xs, problem.ys, W, alpha, 1).relative < 1e-8
    assert duality_gap(problem.Xs, problem.ys, 1.1 * W, alpha, 1).relative > 1e-5


@pytest.mark.parametrize("order", [1, 2])
def test_a_path_is_as_good_as_its_worst_point(order):
    problem = make_problem(replace(PER_TASK, n_strengths=5, order=order))
    peer = PymtlPath(problem)
    W = peer.solve(1e-9)
    assert W.shape == (5, PER_TASK.n_features, PER_TASK.n_tasks)
    assert peer.alphas[-1] == pytest.approx(problem.alpha)
    assert peer.gap(W) <= 1e-8
    W[2] *= 2
    assert peer.gap(W) > 1e-3


def test_the_floor_has_the_gram_matrices_where_designs_are_tall(problem):
    more = sum(map(len, problem.Xs)) >= sum(X.shape[1] for X in problem.Xs)
    found = floor(problem, Run())
    assert found["floor"] > 0
    assert found["floor_is"] == ("Gram" if more else "pass")


@pytest.fixture
def table(monkeypatch, tmp_path):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(pages, "FOLDER", tmp_path / "pages")
    times = {"status": "ok", "seconds": 0.1, "peer": "other"}
    fast = times | {"peer_seconds": 0.4, "floor": 0.05, "floor_is": "pass"}
    late = [{"name": "late", "status": "timeout"}]
    table = [
        speed.Row("fast", 3.0, lambda run: fast),
        speed.Row("slow", 3.0, lambda run: times | {"peer_seconds": 0.2}),
        speed.Row(
            "bound", 2.0, lambda run: times | {"value": 1.0}, "ms", "Bounds, all"
        ),
        speed.Row("broken", 2.0, lambda run: {"status": "failed", "others": late}),
    ]
    monkeypatch.setattr(speed, "rows", lambda quick, skip: table)
    monkeypatch.setattr(speed, "_in_a_process", lambda work, timeout: work())
    return table


def test_speed_says_what_is_met(table, capsys, tmp_path):
    assert command_line.main(["speed", "--quick"]) == 1
    found = json.loads((tmp_path / "speed-quick.json").read_text())["rows"]
    assert [row["met"] for row in found] == [True, False, True, False]
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    said = {words[0]: words[1:] for words in printed}
    assert said["fast"] == "100 ms other 400 ms 4 >= 3 2 x pass".split()
    assert said["slow"][-3:] == [">=", "3,", "missed"]
    assert said["bound"] == "100 ms 1 ms <= 2 ms".split()
    assert said["broken"][-2:] == ["late", "(timeout)"]


def test_speed_keeps_the_rows_that_are_not_asked_for(table, monkeypatch, tmp_path):
    assert command_line.main(["speed"]) == 1
    table[3] = speed.Row("broken", 2.0, lambda run: {"status": "ok", "seconds": 1.0})
    table[0] = speed.Row("fast", 2.0, lambda run: pytest.fail("not asked for"))
    assert command_line.main(["speed", "--only", "broken"]) == 0
    found = json.loads((tmp_path / "speed.json").read_text())["rows"]
    assert [row["work"] for row in found] == ["fast", "slow", "bound", "broken"]
    assert [row["seconds"] for row in found] == [0.1, 0.1, 0.1, 1.0]


def test_pages_come_from_the_results(table, tmp_path):
    pytest.importorskip("matplotlib")
    command_line.main(["speed"])
    assert command_line.main(["speed", "--pages"]) == 0
    folder = tmp_path / "pages"
    with (folder / "bounds_all.csv").open() as file:
        (bound,) = csv.DictReader(file)
    assert bound == {
        "work": "bound",
        "pymtl": "100 ms",
        "ratio": "1 ms",
        "target": "<= 2 ms",
    }
    assert "1 thread " in (folder / "machine.txt").read_text()
    assert (folder / "ratios.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_shows_every_group():
    page = (pages.FOLDER.parent / "benchmarks.rst").read_text()
    shown = {Path(name).name for name in re.findall(r":file: (\S+)", page)}
    assert {pages.file_name(row.group) for row in speed.rows(False)} <= shown
    included = re.findall(r"(?::file:|include::|image::) (\S+)", page)
    assert all((pages.FOLDER.parent / name).is_file() for name in included)
    assert (pages.FOLDER / "ratios.png").stat().st_size < 100_000
