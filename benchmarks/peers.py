"""One adapter per solver, all with one signature.

An adapter is built from a problem, which it brings into the layout its solver likes
best (timed apart), and then solves it as often as it is asked to. It maps the
problem to the solver's own objective, so that every solver minimises the same
function without an intercept. Adding a peer is one class in this file and one entry
in `PEERS`; packages are imported where they are used, so none of them is required.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from scipy import sparse

from .gap import duality_gap
from .problems import Problem, Spec

# Out of the way: the tolerance ends a run, or else the time limit of the runner.
MAX_ITER = 1_000_000


class Peer(ABC):
    """A solver of L2,1 multi-task least squares.

    Parameters
    ----------
    problem : Problem
    threads : int, default=1
        For solvers that do not read it from the environment.
    """

    name: ClassVar[str]
    module: ClassVar[str]  # what is imported
    distribution: ClassVar[str]  # what is installed
    shared: ClassVar[bool] = True  # solves problems with one design for all tasks
    per_task: ClassVar[bool] = True  # solves problems with a design per task
    start: ClassVar[float] = 1e-6  # the tolerance that is tried first
    compiles: ClassVar[float] = 0.0  # about how many seconds in every process

    def __init__(self, problem: Problem, threads: int = 1) -> None:
        self.problem = problem
        self.threads = threads
        self.alpha = problem.alpha
        self.prepare()

    @classmethod
    def supports(cls, spec: Spec) -> bool:
        """Whether the solver can be given problems of this kind."""
        return cls.shared if spec.shared else cls.per_task

    def prepare(self) -> None:
        """Bring the data into the solver's layout; by default, leave it as it is."""
        self.Xs, self.ys, self.Y = self.problem.Xs, self.problem.ys, self.problem.Y

    @abstractmethod
    def solve(self, tol: float) -> np.ndarray:
        """Solve from scratch.

        Parameters
        ----------
        tol : float
            In the solver's own meaning.

        Returns
        -------
        array of shape (d, T)
        """

    def gap(self, W: np.ndarray) -> float:
        """Relative duality gap of what `solve` returned."""
        problem = self.problem
        return duality_gap(problem.Xs, problem.ys, W, problem.alpha).relative


class Pymtl(Peer):
    """pymtl's estimator, on the lists or on the shared design as they are."""

    name = "pymtl"
    module = "pymtl"
    distribution = "pymtl"

    def solve(self, tol):
        from pymtl import MultiTaskL21Regressor

        model = MultiTaskL21Regressor(
            lambda1=self.alpha, fit_intercept=False, tol=tol, max_iter=MAX_ITER
        )
        if self.problem.spec.shared:
            model.fit(self.Xs[0], self.Y)
        else:
            model.fit(self.Xs, self.ys)
        return model.coef_.T


class ScikitLearn(Peer):
    """scikit-learn's coordinate descent with gap-safe screening."""

    name = "scikit-learn"
    module = "sklearn.linear_model"
    distribution = "scikit-learn"
    per_task = False

    def prepare(self):
        self.X = np.asfortranarray(self.problem.Xs[0])

    def solve(self, tol):
        from sklearn.linear_model import MultiTaskLasso

        model = MultiTaskLasso(
            alpha=self.alpha, fit_intercept=False, tol=tol, max_iter=MAX_ITER
        )
        return model.fit(self.X, self.problem.Y).coef_.T


class Celer(Peer):
    """celer's function; its `MultiTaskLasso` needs an older scikit-learn."""

    name = "celer"
    module = "celer.homotopy"
    distribution = "celer"
    per_task = False

    def prepare(self):
        self.X = np.asfortranarray(self.problem.Xs[0])
        self.Y = np.asfortranarray(self.problem.Y)

    def solve(self, tol):
        from celer.homotopy import mtl_path

        _, coefs, _ = mtl_path(
            self.X, self.Y, alphas=[self.alpha], tol=tol, max_iter=MAX_ITER
        )
        return coefs[..., 0].T


class CelerGroup(Peer):
    """celer's group lasso, a group being a feature's columns in all tasks."""

    name = "celer group"
    module = "celer"
    distribution = "celer"
    shared = False

    def prepare(self):
        self.X, self.y = block_diagonal(self.problem)

    def solve(self, tol):
        from celer import GroupLasso

        T = self.problem.spec.n_tasks
        model = GroupLasso(
            groups=T, alpha=self.alpha, fit_intercept=False, tol=tol, max_iter=MAX_ITER
        )
        return model.fit(self.X, self.y).coef_.reshape(-1, T)


class Skglm(Peer):
    """skglm's multi-task lasso; compiles in every new process."""

    name = "skglm"
    module = "skglm"
    distribution = "skglm"
    compiles = 12.0
    per_task = False

    def prepare(self):
        self.X = np.asfortranarray(self.problem.Xs[0])
        self.Y = np.asfortranarray(self.problem.Y)

    def solve(self, tol):
        from skglm import MultiTaskLasso

        model = MultiTaskLasso(
            alpha=self.alpha, fit_intercept=False, tol=tol, max_iter=MAX_ITER
        )
        return model.fit(self.X, self.Y).coef_.T


class SkglmGroup(Peer):
    """skglm's group lasso, a group being a feature's columns in all tasks."""

    name = "skglm group"
    module = "skglm"
    distribution = "skglm"
    compiles = 12.0
    shared = False

    def prepare(self):
        self.X, self.y = block_diagonal(self.problem)

    def solve(self, tol):
        from skglm import GroupLasso

        T = self.problem.spec.n_tasks
        model = GroupLasso(
            groups=T, alpha=self.alpha, fit_intercept=False, tol=tol, max_iter=MAX_ITER
        )
        return model.fit(self.X, self.y).coef_.reshape(-1, T)


class Adelie(Peer):
    """adelie, down a short path of strengths from `lambda_max`.

    The path serves the one strength at its end. Of 1 to 20 steps, three took it the
    least time in all.
    """

    name = "adelie"
    module = "adelie"
    distribution = "adelie"
    start = 1e-13
    path_size = 3

    def prepare(self):
        import adelie

        spec = self.problem.spec
        largest = self.alpha / spec.fraction
        path = np.geomspace(largest, self.alpha, self.path_size + 1)[1:]
        if spec.shared:
            # its multi-response loss is divided by the number of responses
            y = np.ascontiguousarray(self.problem.Y)
            self.path = path / spec.n_tasks
            self.X = np.asfortranarray(self.problem.Xs[0])
            self.glm = adelie.glm.multigaussian(y=y)
            self.groups = None
        else:
            X, y = block_diagonal(self.problem)
            self.path = path
            self.X = adelie.matrix.sparse(X, n_threads=self.threads)
            self.glm = adelie.glm.gaussian(y=y)
            self.groups = np.arange(0, X.shape[1], spec.n_tasks)

    def solve(self, tol):
        betas = self.betas(tol)
        return betas[-1]

    def betas(self, tol):
        """Return the coefficients at each step of the path."""
        import adelie

        spec = self.problem.spec
        state = adelie.grpnet(
            X=self.X,
            glm=self.glm,
            groups=self.groups,
            penalty=np.ones(spec.n_features),
            lmda_path=self.path,
            tol=tol,
            max_iters=MAX_ITER,
            intercept=False,
            early_exit=False,
            n_threads=self.threads,
            progress_bar=False,
        )
        if len(state.lmdas) < len(self.path):
            msg = f"adelie stopped after {len(state.lmdas)} of {len(self.path)} steps"
            raise RuntimeError(msg)
        shape = spec.n_features, spec.n_tasks
        return [beta.toarray().reshape(shape) for beta in state.betas]


class NumpyFista(Peer):
    """Accelerated proximal gradient with adaptive restart, in NumPy.

    It stops on the proximal residual at the extrapolated point, as a share of the
    gradient at zero.
    """

    name = "NumPy FISTA"
    module = "numpy"
    distribution = "numpy"

    def solve(self, tol):
        gradient = self._shared if self.problem.spec.shared else self._per_task
        lipschitz = self._lipschitz()
        W = V = np.zeros((self.problem.spec.n_tasks, self.problem.spec.n_features))
        momentum = 1.0
        scale = np.linalg.norm(gradient(W))
        for _ in range(MAX_ITER):
            U = V - gradient(V) / lipschitz
            norms = np.linalg.norm(U, axis=0)
            cut = self.alpha / lipschitz
            new = U * np.maximum(1 - cut / np.maximum(norms, cut), 0)
            if lipschitz * np.linalg.norm(new - V) <= tol * scale:
                return new.T
            if np.vdot(V - new, new - W) > 0:
                momentum = 1.0
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            V = new + (momentum - 1) / following * (new - W)
            W, momentum = new, following
        return W.T

    def _shared(self, W):
        X = self.Xs[0]
        return (W @ X.T - self.Y.T) @ X / len(X)

    def _per_task(self, W):
        data = zip(self.Xs, self.ys, W, strict=True)
        return np.stack([(X @ w - y) @ X / len(y) for X, y, w in data])

    def _lipschitz(self):
        Xs = self.Xs[:1] if self.problem.spec.shared else self.Xs
        return max(
            np.linalg.eigvalsh(X @ X.T if len(X) < X.shape[1] else X.T @ X)[-1] / len(X)
            for X in Xs
        )


def block_diagonal(problem: Problem) -> tuple[sparse.csc_matrix, np.ndarray]:
    """One sparse regression whose group lasso is the problem.

    The columns are ordered by feature, then by task, so that a feature's columns in
    all tasks are neighbours. Rows are scaled such that the mean squared error over
    all rows is the sum of the tasks' mean squared errors.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    X : sparse matrix of shape (sum n_t, d * T)
    y : array of shape (sum n_t,)
    """
    T, d = problem.spec.n_tasks, problem.spec.n_features
    N = sum(len(y) for y in problem.ys)
    scales = [np.sqrt(N / len(y)) for y in problem.ys]
    X = sparse.block_diag(
        [X * scale for X, scale in zip(problem.Xs, scales, strict=True)], format="csc"
    )
    interleaved = np.arange(T * d).reshape(T, d).T.ravel()
    y = np.concatenate([y * s for y, s in zip(problem.ys, scales, strict=True)])
    return sparse.csc_matrix(X[:, interleaved]), y


PEERS = {
    peer.name: peer
    for peer in (
        Pymtl,
        ScikitLearn,
        Celer,
        CelerGroup,
        Skglm,
        SkglmGroup,
        Adelie,
        NumpyFista,
    )
}
