"""One fold of a search: all settings of the strengths on data that are read once."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from copy import copy, deepcopy
from functools import partial
from traceback import format_exc

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.pipeline import Pipeline

from .._path import Training
from ._scoring import DefaultScore, MeanSquaredError, score


def final_step(estimator):
    """Return the last step of a pipeline, and the prefix of its parameters."""
    if isinstance(estimator, Pipeline):
        name, final = estimator.steps[-1]
        return final, f"{name}__"
    return estimator, ""


def prepared(estimator, outer, X, y, sample_weight, offset):
    """Return the estimator with its first steps fitted, and the training data."""
    model = clone(estimator).set_params(**deepcopy(outer))
    if isinstance(model, Pipeline) and len(model) > 1:
        X = model[:-1].fit_transform(X, y)
    return model, Training(final_step(model)[0], X, y, sample_weight, offset)


class Fold:
    """Scores, times, convergence and errors of the settings on one fold.

    Parameters
    ----------
    n_settings : int
        Number of settings.
    error_score : "raise" or float
        The score where a fit or a scorer raises an error.
    """

    def __init__(self, n_settings, error_score):
        self.error_score = error_score
        self.scores, self.fit_times, self.score_times = np.zeros((3, n_settings))
        self.converged = np.ones(n_settings, dtype=bool)
        self.failed: dict[str, list[str]] = {"fit": [], "score": []}

    def fail(self, kind, settings):
        """Note the error that is being handled, or raise it."""
        if self.error_score == "raise":
            raise
        self.scores[settings] = self.error_score
        self.failed[kind] += [format_exc()] * len(settings)

    def results(self):
        """Return what the search puts together."""
        times = self.fit_times, self.score_times
        return self.scores, *times, self.converged, self.failed


def evaluate(estimator, outer, settings, samples, train, test, scorer, error_score):
    """Return scores, times, convergence and errors of all settings on one fold."""
    fold, everything = Fold(len(settings), error_score), list(range(len(settings)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        try:
            model, training = prepared(estimator, outer, *samples.take(train))
        except Exception:
            fold.fail("fit", everything)
            return fold.results()
        fold.fit_times += (time.perf_counter() - start) / len(settings)
        held = samples.take(test)
        squares = by_default = None
        if scorer is None and is_classifier(training.estimator):
            by_default = DefaultScore(*held)
        elif scorer is None:
            X, *rest = held
            if model is not training.estimator and len(model) > 1:
                X = model[:-1].transform(X)
            squares = MeanSquaredError(X, *rest)
        found = _closed_form(fold, training, settings, squares) if squares else {}
        rest = [i for i in everything if i not in found]
        if squares is not None:
            judge = squares
        elif by_default is not None:
            judge = partial(_behind, by_default, model)
        else:
            X, y, _, offset = held
            judge = partial(_behind, partial(_scored, scorer, X, y, offset), model)
        while rest:
            rest = _sweep(fold, training, settings, rest, judge, squares is not None)
    return fold.results()


def _closed_form(fold, training, settings, squares):
    """Score the settings that are linear systems, and return their solutions."""
    start = time.perf_counter()
    found = training.closed_form(settings)
    if found:
        known, middle = list(found), time.perf_counter()
        reader = training.reader(settings[known[0]])
        fold.scores[known] = squares.of_all(reader, list(found.values()))
        fold.fit_times[known] += (middle - start) / len(known)
        fold.score_times[known] = (time.perf_counter() - middle) / len(known)
    return found


def _sweep(fold, training, settings, rest, judge, alike):
    """Fit and score settings, and return those that are left behind a failed fit."""
    first, done, start = None, 0, time.perf_counter()
    fits = training.sweep([settings[i] for i in rest])
    while done < len(rest):
        i = rest[done]
        done += 1
        try:
            fit, penalty, problem, result = next(fits)
            if alike and first is not None:
                fit = copy(first)
                fit.coef_, fit.intercept_ = training.coefficients(problem, result)
            else:
                fit = first = training.fitted(fit, penalty, problem, result)
        except Exception:
            fold.fail("fit", [i])
            return rest[done:]
        middle = time.perf_counter()
        fold.fit_times[i] += middle - start
        try:
            fold.scores[i] = judge(fit)
        except Exception:
            fold.fail("score", [i])
        start = time.perf_counter()
        fold.score_times[i] = start - middle
        fold.converged[i] = result.converged
    return []


def _behind(judge, model, fit):
    """Judge the fitted pipeline that ends with a fitted step."""
    if isinstance(model, Pipeline):
        fit = Pipeline([*model.steps[:-1], (model.steps[-1][0], fit)])
    return judge(fit)


def _scored(scorer, X, y, offset, model):
    return score(scorer, model, X, y, offset)


def warn_of_failures(failed, n_fits, error_score):
    """Warn of the fits and scores that failed, as scikit-learn's searches do."""
    errors = {kind: Counter() for kind in ("fit", "score")}
    for part in failed:
        for kind, found in part.items():
            errors[kind].update(found)
    n_failed = errors["fit"].total()
    details = "".join(
        f"\n{'-' * 80}\n{count} fits failed with the following error:\n{error}"
        for error, count in errors["fit"].items()
    )
    if n_failed == n_fits:
        msg = (
            f"All the {n_fits} fits failed. You can debug them by "
            f"error_score='raise'. Below are the errors:{details}"
        )
        raise ValueError(msg)
    if n_failed:
        msg = (
            f"{n_failed} fits failed out of a total of {n_fits}. The score on these "
            f"train-test partitions is set to {error_score}. You can debug them by "
            f"error_score='raise'. Below are the errors:{details}"
        )
        warnings.warn(msg, FitFailedWarning, stacklevel=4)
    for error, count in errors["score"].items():
        warnings.warn(
            f"Scoring failed {count} times of {n_fits}. The score on these train-test "
            f"partitions is set to {error_score}. Details:\n{error}",
            UserWarning,
            stacklevel=4,
        )
