"""Paths of strengths: adapters as in `peers.py`, whose answers are all the points."""

import numpy as np

from .gap import duality_gap
from .peers import MAX_ITER, Adelie, Peer


class PathPeer(Peer):
    """A solver along decreasing strengths, from the null model to that of the problem.

    Its gap is the largest of the points.
    """

    size = 50
    order = 2

    def prepare(self):
        super().prepare()
        largest = self.alpha / self.problem.spec.fraction
        self.alphas = np.geomspace(largest, self.alpha, self.size + 1)[1:]

    def gap(self, W):
        problem = self.problem
        return max(
            duality_gap(problem.Xs, problem.ys, V, alpha, self.order).relative
            for V, alpha in zip(W, self.alphas, strict=True)
        )


class PymtlPath(PathPeer):
    """The method `path` of pymtl's estimators."""

    name, module, distribution = "pymtl", "pymtl", "pymtl"

    def solve(self, tol):
        import pymtl

        models = {1: pymtl.MultiTaskL1Regressor, 2: pymtl.MultiTaskL21Regressor}
        model = models[self.order](fit_intercept=False, tol=tol, max_iter=MAX_ITER)
        shared = self.problem.spec.shared
        data = (self.Xs[0], self.Y) if shared else (self.Xs, self.ys)
        return model.path(*data, lambda1=self.alphas).coef.transpose(0, 2, 1)


class AdeliePath(PathPeer, Adelie):
    """adelie's own path."""

    def prepare(self):
        PathPeer.prepare(self)
        self.path_size = self.size
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


class LassoPaths(PathPeer):
    """scikit-learn's `lasso_path`, a call a task."""

    name, module, distribution = "scikit-learn", "sklearn.linear_model", "scikit-learn"
    shared = False

    def prepare(self):
        super().prepare()
        self.Xs = [np.asfortranarray(X) for X in self.problem.Xs]

    def solve(self, tol):
        from sklearn.linear_model import lasso_path

        paths = [
            lasso_path(X, y, alphas=self.alphas, tol=tol, max_iter=MAX_ITER)[1]
            for X, y in zip(self.Xs, self.ys, strict=True)
        ]
        return np.stack(paths, axis=-1).transpose(1, 0, 2)
