"""Paths of strengths: adapters as in `peers.py`, whose answers are all the points.

`PATHS` holds those that solve problems of more than one strength.
"""

import numpy as np

from .gap import duality_gap
from .peers import MAX_ITER, Adelie, Peer, block_diagonal


class PathPeer(Peer):
    """A solver along decreasing strengths, from the null model to that of the problem.

    Its gap is the largest of the points.
    """

    @classmethod
    def supports(cls, spec):
        return super().supports(spec) and spec.order == 2

    def prepare(self):
        super().prepare()
        spec = self.problem.spec
        largest = self.alpha / spec.fraction
        self.alphas = np.geomspace(largest, self.alpha, spec.n_strengths + 1)[1:]

    def gap(self, W):
        Xs, ys, order = self.problem.Xs, self.problem.ys, self.problem.spec.order
        return max(
            duality_gap(Xs, ys, V, alpha, order).relative
            for V, alpha in zip(W, self.alphas, strict=True)
        )


class PymtlPath(PathPeer):
    """The method `path` of pymtl's estimators."""

    name, module, distribution = "pymtl", "pymtl", "pymtl"

    @classmethod
    def supports(cls, spec):
        return True

    def solve(self, tol):
        import pymtl

        spec = self.problem.spec
        models = {1: pymtl.MultiTaskL1Regressor, 2: pymtl.MultiTaskL21Regressor}
        model = models[spec.order](fit_intercept=False, tol=tol, max_iter=MAX_ITER)
        data = (self.Xs[0], self.Y) if spec.shared else (self.Xs, self.ys)
        return model.path(*data, lambda1=self.alphas).coef.transpose(0, 2, 1)


class AdeliePath(PathPeer, Adelie):
    """adelie's own path."""

    start = 1e-14

    def prepare(self):
        PathPeer.prepare(self)
        self.path_size = self.problem.spec.n_strengths
        Adelie.prepare(self)

    def solve(self, tol):
        return np.stack(self.betas(tol))


class CelerPath(PathPeer):
    """celer's path."""

    name, module, distribution = "celer", "celer.homotopy", "celer"
    per_task = False

    def prepare(self):
        super().prepare()
        self.X = np.asfortranarray(self.problem.Xs[0])
        self.Y = np.asfortranarray(self.problem.Y)

    def solve(self, tol):
        from celer.homotopy import mtl_path

        path = mtl_path(self.X, self.Y, alphas=self.alphas, tol=tol, max_iter=MAX_ITER)
        return path[1].transpose(2, 1, 0)


class CelerGroupPath(PathPeer):
    """celer's path of the group lasso, on the sparse block-diagonal design."""

    name, module, distribution = "celer group", "celer.homotopy", "celer"
    shared = False

    def prepare(self):
        super().prepare()
        self.X, self.y = block_diagonal(self.problem)

    def solve(self, tol):
        from celer.homotopy import celer_path

        T = self.problem.spec.n_tasks
        options = {"groups": T, "alphas": self.alphas, "tol": tol, "max_iter": MAX_ITER}
        path = celer_path(self.X, self.y, "grouplasso", **options)
        return path[1].T.reshape(len(self.alphas), -1, T)


class ScikitLearnPath(PathPeer):
    """scikit-learn's `lasso_path`: one call for a shared design, or one for a task."""

    name, module, distribution = "scikit-learn", "sklearn.linear_model", "scikit-learn"

    @classmethod
    def supports(cls, spec):
        return spec.shared == (spec.order == 2)

    def prepare(self):
        super().prepare()
        if self.problem.spec.shared:
            self.data = [(np.asfortranarray(self.Xs[0]), self.Y)]
        else:
            Xs = map(np.asfortranarray, self.Xs)
            self.data = list(zip(Xs, self.ys, strict=True))

    def solve(self, tol):
        from sklearn.linear_model import lasso_path

        options = {"alphas": self.alphas, "tol": tol, "max_iter": MAX_ITER}
        paths = [lasso_path(X, y, **options)[1] for X, y in self.data]
        if self.problem.spec.shared:
            return paths[0].transpose(2, 1, 0)
        return np.stack(paths, axis=-1).transpose(1, 0, 2)


PATHS = {
    peer.name: peer
    for peer in (PymtlPath, ScikitLearnPath, CelerPath, CelerGroupPath, AdeliePath)
}
