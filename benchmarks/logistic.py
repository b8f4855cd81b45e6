"""Rows of classification: pymtl and its peers at equal duality gap.

Two classes with a design for each task and L2,1, and many classes with one design and
L2,1 or the lasso; no solver fits intercepts. The gaps use NumPy only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
from scipy import sparse

from .problems import outside
from .rows import TARGET, Row, Run, beside, timed
from .runner import Trials

GROUP = "Classification"
MAX_ITER = 100_000


@dataclass(frozen=True, eq=False)
class Problem:
    r"""Labels, designs and the strength of the penalty.

    With two classes the objective is that of tasks with losses of their own,

    .. math:: \sum_t \frac{1}{n_t} \sum_i \log(1 + e^{z_{ti}}) - y_{ti} z_{ti}
              + \alpha \sum_j \|w_{j \cdot}\|, \qquad z_t = X_t w_t,

    and with K classes, of one design, the columns of W are the classes:

    .. math:: \frac{1}{n} \sum_i \log \sum_k e^{z_{ik}} - \sum_k y_{ik} z_{ik}
              + \alpha \sum_j \|w_{j \cdot}\|, \qquad Z = X W.

    Parameters
    ----------
    Xs : sequence of arrays of shape (n_t, d)
        Designs; one with many classes.
    ys : sequence of arrays of shape (n_t,), or (n, K)
        Labels 0 and 1; with many classes their indicators.
    alpha : float
        Strength.
    fraction : float
        The strength as a share of the largest that matters.
    order : {1, 2}, default=2
        Norm of the rows of W.
    """

    Xs: Sequence[np.ndarray]
    ys: Sequence[np.ndarray]
    alpha: float
    fraction: float
    order: int = 2


def duality_gap(problem: Problem, W: np.ndarray) -> float:
    r"""Duality gap at W, relative to the objective at zero.

    The dual point is the largest feasible multiple, at most one, of the gradient of the
    loss in the predictions, :math:`p - y` over the number of samples. The conjugate of
    the loss there is the mean of the negative entropies of the probabilities that have
    it for a gradient.

    Parameters
    ----------
    problem : Problem
    W : array of shape (d, T), or (d, K) with many classes
        Coefficients.

    Returns
    -------
    float
    """
    many = problem.ys[0].ndim == 2
    columns = [W] if many else [w[:, None] for w in W.T]
    value, null, parts, gradient = 0.0, 0.0, [], []
    for X, y, U in zip(problem.Xs, problem.ys, columns, strict=True):
        z = X @ U
        z, y = (z, y) if many else (np.hstack([0 * z, z]), np.stack([1 - y, y], 1))
        top = z.max(axis=1, keepdims=True)
        log_p = z - top - np.log(np.exp(z - top).sum(axis=1, keepdims=True))
        value -= np.mean(np.sum(y * log_p, axis=1))
        null += np.log(y.shape[1])
        slope = np.exp(log_p) - y
        gradient.append(X.T @ (slope if many else slope[:, 1:]) / len(X))
        parts.append((y, slope))
    gradient = np.hstack(gradient)
    norm = _norms(gradient, np.inf if problem.order == 1 else 2).max() / problem.alpha
    scale = 1 / max(norm, 1.0)
    dual = 0.0
    for y, slope in parts:
        p = np.clip(y + scale * slope, 0.0, 1.0)
        dual -= np.mean(np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=1))
    penalty = problem.alpha * _norms(W, problem.order).sum()
    return float((value + penalty - dual) / null)


def _norms(W, order):
    return np.linalg.norm(W, ord=order, axis=1)


class Peer:
    """A solver of a problem.

    Parameters
    ----------
    problem : Problem
    threads : int, default=1
    """

    name: ClassVar[str]
    start: ClassVar[float] = 1e-6  # the tolerance that is tried first

    def __init__(self, problem: Problem, threads: int = 1) -> None:
        self.problem = problem
        self.threads = threads
        self.many = problem.ys[0].ndim == 2
        self.prepare()

    def prepare(self) -> None:
        """Bring the data into the layout of the solver."""

    def gap(self, W: np.ndarray) -> float:
        """Relative duality gap of what `solve` returned."""
        return duality_gap(self.problem, W)


class Pymtl(Peer):
    """pymtl's estimators."""

    name = "pymtl"

    def prepare(self):
        problem = self.problem
        self.data = (
            (problem.Xs[0], problem.ys[0].argmax(axis=1))
            if self.many
            else (problem.Xs, problem.ys)
        )

    def solve(self, tol):
        import pymtl

        names = {1: "MultiTaskL1Classifier", 2: "MultiTaskL21Classifier"}
        kind = getattr(pymtl, names[self.problem.order])
        model = kind(self.problem.alpha, fit_intercept=False, tol=tol)
        coef = model.set_params(max_iter=MAX_ITER).fit(*self.data).coef_
        return np.squeeze(coef, axis=0).T if self.many else coef.T


class Adelie(Peer):
    """adelie, down a path of strengths that ends with that of the problem.

    Its Newton steps have no line search: on tasks that are hard to balance only the
    small steps of a fine path lead to the optimum.
    """

    name = "adelie"
    start = 1e-8
    path_size = 3

    def prepare(self):
        import adelie

        problem = self.problem
        Xs, ys = problem.Xs, problem.ys
        largest = problem.alpha / problem.fraction
        path = np.geomspace(largest, problem.alpha, self.path_size + 1)[1:]
        if self.many:
            self.X, self.groups = np.asfortranarray(Xs[0]), None
            self.glm = adelie.glm.multinomial(np.ascontiguousarray(ys[0]))
            self.shape = Xs[0].shape[1], ys[0].shape[1]
            self.path = path / self.shape[1]  # its loss is divided by the classes
            return
        T, d = len(Xs), Xs[0].shape[1]
        X = sparse.csc_matrix(sparse.block_diag(Xs, format="csc"))
        X = sparse.csc_matrix(X[:, np.arange(T * d).reshape(T, d).T.ravel()])
        self.X = adelie.matrix.sparse(X, n_threads=self.threads)
        weights = np.concatenate([np.full(len(y), 1 / len(y) / T) for y in ys])
        y = np.concatenate(ys).astype(float)
        self.glm = adelie.glm.binomial(y=y, weights=weights)
        self.groups = np.arange(0, T * d, T)
        self.shape, self.path = (d, T), path / T

    def solve(self, tol):
        import adelie

        state = adelie.grpnet(
            X=self.X,
            glm=self.glm,
            groups=self.groups,
            penalty=np.ones(self.shape[0]),
            lmda_path=self.path,
            tol=tol,
            irls_tol=tol,
            max_iters=MAX_ITER,
            intercept=False,
            early_exit=False,
            n_threads=self.threads,
            progress_bar=False,
        )
        if len(state.lmdas) < len(self.path):
            msg = f"adelie stopped after {len(state.lmdas)} of {len(self.path)} steps"
            raise RuntimeError(msg)
        return state.betas[len(self.path) - 1].toarray().reshape(self.shape)


class AdelieFinely(Adelie):
    """adelie, down a fine path."""

    path_size = 30


class Saga(Peer):
    """scikit-learn's saga, for the lasso with many classes."""

    name = "scikit-learn saga"
    start = 1e-3

    def solve(self, tol):
        from sklearn.linear_model import LogisticRegression

        X, Y = self.problem.Xs[0], self.problem.ys[0]
        model = LogisticRegression(
            C=1 / (len(X) * self.problem.alpha),
            l1_ratio=1.0,
            solver="saga",
            fit_intercept=False,
            tol=tol,
            max_iter=5_000,
            random_state=0,
        )
        return model.fit(X, Y.argmax(axis=1)).coef_.T


def race(
    make: partial[Problem], peers: Sequence[type[Peer]], target: float, run: Run
) -> dict:
    """Time pymtl and its peers on a problem at a relative duality gap.

    Parameters
    ----------
    make : callable
        ``make()`` returns the problem.
    peers : sequence of type
        The peers.
    target : float
        The gap.
    run : Run
        How to measure.

    Returns
    -------
    dict
        The record of a row.
    """
    problem, found = make(), []
    for kind in (Pymtl, *peers):
        record = {"name": kind.name}
        try:
            trials = Trials(
                kind(problem, run.threads), problem, run.repeats, _ignore, run.clock
            )
            record["first"] = trials.call(0.1)["seconds"]
            record |= trials.summary(target)
        except Exception as error:  # a peer that breaks is no reason to stop
            record |= {"status": f"failed: {error}"}
        found.append(record)
    passes = timed(
        lambda: [X.T @ y for X, y in zip(problem.Xs, problem.ys, strict=True)],
        replace(run, repeats=9),
    )
    return beside(*found) | {"floor": passes["seconds"], "floor_is": "pass"}


def _ignore(found):
    """Tell nobody of a call."""


def two_classes(T: int, n: int, d: int, fraction: float) -> Problem:
    """Tasks of random rows, whose labels follow fifteen features.

    Parameters
    ----------
    T, n, d : int
        Sizes.
    fraction : float
        Strength as a share of the largest that matters.
    """
    rng = np.random.default_rng(0)
    W = np.zeros((d, T))
    active = rng.choice(d, 15, replace=False)
    W[active] = rng.standard_normal((15, T))
    Xs = [_rows(rng, n, d) for _ in range(T)]
    ys = []
    for X, w in zip(Xs, W.T, strict=True):
        z = X @ w
        ys.append((rng.random(n) < 1 / (1 + np.exp(-2 * z / z.std()))).astype(int))
    return _problem(Xs, ys, fraction)


def landmine(fraction: float) -> Problem:
    """Landmine: 29 tasks of nine features.

    Parameters
    ----------
    fraction : float
        Strength as a share of the largest that matters.
    """
    from pymtl.datasets import load_landmine

    data = load_landmine(outside("data"))
    return _problem(data.Xs, data.ys, fraction)


def many_classes(n: int, d: int, K: int, fraction: float, order: int = 2) -> Problem:
    """One design of random rows, whose classes follow twenty features.

    Parameters
    ----------
    n, d, K : int
        Sizes.
    fraction : float
        Strength as a share of the largest that matters.
    order : {1, 2}, default=2
        Norm of the rows of W.
    """
    rng = np.random.default_rng(0)
    W = np.zeros((d, K))
    W[rng.choice(d, 20, replace=False)] = rng.standard_normal((20, K))
    X = _rows(rng, n, d)
    z = X @ W
    label = (2 * z / z.std() + rng.gumbel(size=z.shape)).argmax(axis=1)
    return _problem([X], [np.eye(K)[label]], fraction, order)


def _rows(rng, n, d):
    """Return centred rows whose neighbouring features are correlated."""
    X = rng.standard_normal((n, d))
    for j in range(1, d):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
    return X - X.mean(axis=0)


def _problem(Xs, ys, fraction, order=2):
    """Return the problem with a share of the strength from which on W is zero."""
    slopes = [
        X.T @ (y - (0.5 if y.ndim == 1 else 1 / y.shape[1])) / len(y)
        for X, y in zip(Xs, ys, strict=True)
    ]
    dual = np.inf if order == 1 else 2
    largest = _norms(np.column_stack(slopes), dual).max()
    return Problem(Xs, ys, fraction * float(largest), fraction, order)


def rows(skip: Sequence[str] = ()) -> list[Row]:
    """Return the rows of the table.

    Parameters
    ----------
    skip : sequence of str, default=()
        Peers to leave out.
    """
    table = []

    def add(work, make, *peers):
        peers = [peer for peer in peers if peer.name not in skip]
        measure = partial(race, make, peers, TARGET)
        solvers = 1 + len(peers)
        table.append(Row(work, 3.0, measure, group=GROUP, solvers=solvers))

    for T, n, d in ((50, 500, 100), (10, 50, 2000)):
        for fraction in (0.3, 0.05):
            work = f"two classes, T={T}, n={n}, d={d}, at {fraction:g}"
            add(work, partial(two_classes, T, n, d, fraction), Adelie)
    if outside("data").exists():
        work = "two classes, Landmine, T=29, n=445 to 690, d=9, at 0.1"
        add(work, partial(landmine, 0.1), AdelieFinely)
    for d in (100, 500):
        work = f"ten classes, n=1000, d={d}, at 0.1"
        add(work, partial(many_classes, 1000, d, 10, 0.1), Adelie)
    work = "ten classes, lasso, n=1000, d=100, at 0.1"
    add(work, partial(many_classes, 1000, 100, 10, 0.1, 1), Saga)
    return table
