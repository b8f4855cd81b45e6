"""Checks of an estimator's manners: certificates, copies, searches, warm starts."""

from __future__ import annotations

import importlib
import pickle
import warnings
from copy import deepcopy

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..penalties._base import moving, summands
from ..tasks import split_tasks
from ._common import can_be_pickled, frozen, require, require_at_most, require_close
from ._data import (
    exact,
    fresh,
    loss_of,
    make_long,
    measure,
    parameters,
    refusal,
    require_same_fit,
    shared_for,
    slack,
    strengths,
    tasks_for,
)

KINDS = ("duality gap", "newton decrement", "prox residual", "stationarity")


def check_attributes(estimator):
    """Fitted attributes have the shapes and values that they promise."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    model = fresh(estimator)
    require(model.fit(Xs, ys) is model, estimator, "fit does not return self")
    shapes = model.coef_.shape, model.intercept_.shape
    require(
        shapes == ((3, 5), (3,)),
        estimator,
        f"coef_ and intercept_ have shapes {shapes}",
    )
    require(model.n_iter_ >= 1, estimator, f"n_iter_ is {model.n_iter_}")
    require(
        len(model.history_) == model.n_iter_, estimator, "history_ is not one a step"
    )
    require(model.n_features_in_ == 5, estimator, f"{model.n_features_in_} features")
    given = estimator.get_params(deep=False)
    ridge = {name: value for name, value in given.items() if name == "ridge"}
    for name, value in (strengths(estimator) | ridge).items():
        if "__" in name:
            continue
        used = getattr(model, f"{name}_")
        require(np.isfinite(used), estimator, f"{name}_ is {used!r}")
        if not isinstance(value, str):
            require(used == value, estimator, f"{name}_ is not {name}")
    before = estimator.get_params()
    require(
        repr(fresh(estimator).fit(Xs, ys).set_params(**before)) == repr(estimator),
        estimator,
        "fit changes the parameters",
    )
    try:
        importlib.import_module("pandas")
    except ImportError:
        return
    frame = model.coef_frame()
    require_close(
        frame.to_numpy(), parameters(model), estimator, "coef_frame differs from coef_"
    )
    require(
        frame.index.tolist() == model.tasks_.tolist()
        and frame.columns.tolist() == [*model.coef_names_, "intercept"],
        estimator,
        "coef_frame is not tasks x features and intercept",
    )


def check_copies(estimator):
    """Clones are unfitted and equal; copies and pickles of a fit predict alike."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    model = fresh(estimator).fit(Xs, ys)
    again = clone(model)
    require(not hasattr(again, "coef_"), estimator, "clone keeps the fit")
    require(repr(again) == repr(model), estimator, f"clone gives {again!r}")
    require_same_fit(again.fit(Xs, ys), model, "a clone gives another fit", 1e-12)
    copies = [deepcopy(model)]
    parts = [model, *(v for v in vars(model).values() if hasattr(v, "get_params"))]
    if all(can_be_pickled(type(part)) for part in parts):
        copies.append(pickle.loads(pickle.dumps(model)))
    z = np.concatenate(model.predict(Xs))
    for copy in copies:
        require(
            (np.concatenate(copy.predict(Xs)) == z).all(),
            estimator,
            "a copy of a fitted model predicts otherwise",
        )


def loss_at(model, Xs, ys, W, c, task_weight):
    """Return the loss at coefficients W (n_features, n_tasks) and intercepts c."""
    sizes = np.array([len(y) for y in ys])
    z = np.concatenate([X @ w + b for X, w, b in zip(Xs, W.T, c, strict=True)])
    weight = np.repeat(task_weight / sizes, sizes)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    y = np.concatenate(ys)
    if is_classifier(model):
        y = np.where(y == model.classes_[1], 1.0, -1.0)
    return loss_of(model).value(y, z, weight, bounds)


def objective_at(model, Xs, ys, W, c, task_weight):
    """Return the objective with the strengths of a fitted model."""
    value = loss_at(model, Xs, ys, W, c, task_weight) + model.penalty_.value(W)
    if isinstance(model.fit_intercept, str) and model.fit_intercept == "shrink":
        value += model.lambda0_ * float(np.sum((c - np.mean(c)) ** 2))
    return value


def check_objective(estimator):
    """The solution minimises the objective that is stated: no other fit is better."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    for omega in (np.ones(3), np.array([1.0, 0.2, 4.0])):
        weighted = exact(estimator, task_weight=omega)
        model = clone(weighted).fit(Xs, ys)
        W, c = model.coef_.T, model.intercept_
        try:
            best = objective_at(model, Xs, ys, W, c, omega)
        except NotImplementedError:  # components: the value belongs to their terms
            loss = loss_at(model, Xs, ys, W, c, omega)
            require(loss <= model.objective_, estimator, "objective_ is below the loss")
            continue
        require_close(
            model.objective_, best, estimator, "objective_ is not the stated objective"
        )
        for seed in range(1, 6):
            other = clone(weighted).fit(
                Xs, tasks_for(estimator, (8, 20, 12), seed=seed)[1]
            )
            for share in (1.0, 0.1, 1e-2, 1e-3, -0.1, -1e-3):
                dW, dc = share * (other.coef_.T - W), share * (other.intercept_ - c)
                require_at_most(
                    best,
                    objective_at(model, Xs, ys, W + dW, c + dc, omega),
                    1e-11 * best,
                    estimator,
                    "there are better coefficients than the solution",
                )


def check_certificate(estimator):
    """The certificate is reached, and the gap bounds the distance to the optimum."""
    for Xs, ys in [
        tasks_for(estimator),
        tasks_for(estimator, (8, 20, 12), n_features=30),
    ]:
        model = fresh(estimator).fit(Xs, ys)
        kind = model.certificate_kind_
        require(kind in KINDS, estimator, f"certificate_kind_ is {kind!r}")
        require(
            model.converged_ and 0 <= model.certificate_ <= model.tol,
            estimator,
            f"certificate {model.certificate_:.1e}, wanted {model.tol:.1e}",
        )
        best = exact(estimator).fit(Xs, ys).objective_
        for max_iter in (1, 3, 10, 30, 100):
            early = fresh(estimator, solver="apg", tol=0.0, max_iter=max_iter)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                early.fit(Xs, ys)
            if kind in ("duality gap", "newton decrement"):
                require_at_most(
                    early.objective_ - best,
                    early.dual_gap_ * (1 + 1e-6),
                    1e-11 * best,
                    estimator,
                    f"after {early.n_iter_} iterations dual_gap_ is no bound",
                )


def check_lambda_max(estimator):
    """At lambda_max the model is the null model, below it is not.

    The norm of the null model is zero, and so are its coefficients unless the norm
    leaves something free. Without a polar lambda_max is a bound.
    """
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    top = fresh(estimator).lambda_max(Xs, ys)
    require(top > 0, estimator, f"lambda_max is {top}")
    if not np.isfinite(top):
        return
    model = fresh(estimator).fit(Xs, ys)
    names = strengths(estimator)
    used = {name: getattr(model, f"{name.split('__')[-1]}_") for name in names}
    first = [name for name in used if name.endswith("lambda1")]
    if len(first) != 1 or not used[first[0]]:
        return
    parts = summands(model.penalty_)
    own = {name for part in moving(model.penalty_) for name in part.strengths}
    free = [part for part in parts if part.null_space(len(Xs)).size]
    below = 0.99 if any(hasattr(part, "polar") for part in parts) else 0.1
    for share, empty in [(1 + 1e-9, True), (below, False)]:
        scale = share * top / used[first[0]]
        params = {
            name: scale * value if name.split("__")[-1] in own else value
            for name, value in used.items()
        }
        W = exact(estimator, **params).fit(Xs, ys).coef_.T
        norm = sum(part.value(W) for part in free) if free else np.abs(W).max()
        require(
            (norm > 0) != empty,
            estimator,
            f"at {share} lambda_max it is {'not ' * empty}the null model",
        )


def check_warm_start(estimator):
    """A warm start gives the same optimum, in no more iterations."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    model = exact(estimator).fit(Xs, ys)
    first, steps = parameters(model), model.n_iter_
    model.set_params(warm_start=True).fit(Xs, ys)
    message = "a warm start from the solution"
    require_close(parameters(model), first, estimator, f"{message} moves it", 1e-6)
    require(
        model.n_iter_ <= steps,
        estimator,
        f"{message} takes {model.n_iter_} iterations, a cold one {steps}",
    )
    for other in [
        (Xs, [y[::-1] for y in ys]),
        tasks_for(estimator, (9, 7, 30, 8), n_features=4),
    ]:
        cold = exact(estimator).fit(*other)
        model.fit(*other)
        message = "a warm start on other data gives another optimum"
        require_same_fit(model, cold, message, 1e-5)


def check_nonconvergence_warns(estimator):
    """A fit that does not reach tol says so."""
    Xs, ys = tasks_for(estimator, (8, 20, 12), n_features=15)
    model = fresh(estimator, solver="apg", max_iter=1, tol=0.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(Xs, ys)
    said = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    if model.converged_:
        require(model.certificate_ == 0, estimator, "converged_ without certificate")
    else:
        require(said, estimator, "no ConvergenceWarning after one iteration")
        require(model.certificate_ > 0, estimator, "not converged, but certified")


def check_float32(estimator):
    """float32 in, float32 out, certified, and within its precision of float64."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    data = [frozen(X, np.float32) for X in Xs], [frozen(y, np.float32) for y in ys]
    single = fresh(estimator).fit(*data)
    require(single.coef_.dtype == np.float32, estimator, f"coef_ {single.coef_.dtype}")
    require(single.converged_, estimator, "float32 data are not fitted to tol")
    double = exact(estimator).fit(Xs, ys)
    require_same_fit(single, double, "float32 data give another fit", 0.03)
    with warnings.catch_warnings():  # float32 coefficients cannot be certified finer
        warnings.simplefilter("ignore")
        single = exact(estimator).fit(*data)
    require_same_fit(single, double, "float32 data give another fit", 1e-4)


def _folds(estimator, task, y):
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    strata = 10 * task + y if is_classifier(estimator) else task
    return list(cv.split(np.zeros((len(task), 1)), strata.astype(int)))


def check_search(estimator):
    """GridSearchCV and cross_val_predict on a long table do what a loop does."""
    X, y, _ = make_long(*tasks_for(estimator, (12, 15, 60)))
    folds = _folds(estimator, X[:, 0], y)
    long = fresh(estimator, task_column=0, tol=1e-7)

    def loop(form):
        for train, test in folds:
            Xs, ys, _ = split_tasks(X[train], y[train], 0)
            model = fresh(estimator, fit_intercept=form, tol=1e-7).fit(Xs, ys)
            task = X[test, 0].astype(int)
            z = np.sum(X[test, 1:] * model.coef_[task], axis=1) + model.intercept_[task]
            yield test, model.classes_[(z > 0) * 1] if is_classifier(model) else z

    predicted = np.empty_like(y)
    for test, z in loop(True):
        predicted[test] = z
    require_close(
        cross_val_predict(clone(long).set_params(fit_intercept=True), X, y, cv=folds),
        predicted,
        estimator,
        "cross_val_predict is not a loop over the folds",
        1e-7,
    )
    forms = [True, False]
    for scoring, score in [
        (None, measure(estimator)),
        ("neg_mean_squared_error", lambda a, b: -mean_squared_error(a, b)),
    ]:
        search = GridSearchCV(
            long, {"fit_intercept": forms}, scoring=scoring, cv=folds
        ).fit(X, y)
        expected = [
            np.mean([score(y[test], z) for test, z in loop(form)]) for form in forms
        ]
        require_close(
            search.cv_results_["mean_test_score"],
            expected,
            estimator,
            f"GridSearchCV with scoring={scoring!r} is not a loop over the folds",
            1e-7,
        )
        require(
            search.best_params_["fit_intercept"] is forms[int(np.argmax(expected))],
            estimator,
            "GridSearchCV does not choose the best",
        )


def check_search_on_lists(estimator):
    """Cross-validation cuts lists into tasks: refused, with the way out."""
    Xs, ys = tasks_for(estimator, (8,) * 6)
    with refusal(estimator, "cross-validation on lists", "stack_tasks"):
        cross_val_score(fresh(estimator), Xs, ys, cv=3, error_score="raise")


def check_pipeline(estimator):
    """Behind a ColumnTransformer that lets the task column through."""
    Xs, ys = tasks_for(estimator)
    X, y, _ = make_long(Xs, ys)
    scale = ColumnTransformer(
        [("features", StandardScaler(), list(range(1, X.shape[1])))],
        remainder="passthrough",
    )
    pipe = make_pipeline(scale, exact(estimator, task_column=-1)).fit(X, y)
    scaler = StandardScaler().fit(X[:, 1:])
    scaled = [scaler.transform(A) for A in Xs]
    lists = exact(estimator).fit(scaled, ys)
    require_same_fit(pipe[-1], lists, "a pipeline gives another fit than scaled lists")
    require_close(
        np.column_stack(lists.predict([scaled[-1]] * 6)),
        np.column_stack(
            [pipe.predict(np.insert(Xs[-1], 0, t, axis=1)) for t in range(6)]
        ),
        estimator,
        "a pipeline gives other predictions than scaled lists",
        slack(estimator),
    )
    try:
        importlib.import_module("pandas")
    except ImportError:
        return
    scale.set_output(transform="pandas")
    named = make_pipeline(scale, exact(estimator, task_column="remainder__x0"))
    require_same_fit(
        named.fit(X, y)[-1], lists, "a pipeline of frames", slack(estimator)
    )


def check_refit(estimator):
    """A second fit forgets the first, through whichever door."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    model = fresh(estimator).fit(*shared_for(estimator))
    require_same_fit(
        model.fit(Xs, ys), fresh(estimator).fit(Xs, ys), "fit remembers", 1e-12
    )
    require(len(model.predict(Xs)) == 3, estimator, "predict remembers the first fit")


def check_new_task(estimator):
    """A new task is fitted, and weights are repetitions, or refused with a reason."""
    if not hasattr(estimator, "fit_new_task"):
        return
    Xs, ys = tasks_for(estimator, (12, 20, 16, 14))
    model = exact(estimator).fit(Xs[:3], ys[:3])
    before, X, y = model.coef_.copy(), Xs[3], ys[3]
    try:
        new = model.fit_new_task(X, y)
    except ValueError as error:
        reasons = "neighbours=", "method new_task(W, place)"
        told = any(reason in str(error) for reason in reasons)
        require(told, estimator, f"fit_new_task says not what it needs: {error}")
        return
    require(new.coef_.shape == (1, 5), estimator, "a new task has not one row of coef_")
    require(new.predict(X).shape == y.shape, estimator, "a new task has not one answer")
    weight = 1 + np.arange(len(y)) % 2
    same = model.fit_new_task(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    new = model.fit_new_task(X, y, sample_weight=weight)
    require_close(
        parameters(new), parameters(same), estimator, "weights of a new task", 1e-4
    )
    require(
        np.array_equal(model.coef_, before), estimator, "a new task changes a model"
    )


BEHAVIOUR_CHECKS = [
    check_attributes,
    check_copies,
    check_objective,
    check_certificate,
    check_lambda_max,
    check_warm_start,
    check_refit,
    check_nonconvergence_warns,
    check_float32,
    check_search,
    check_search_on_lists,
    check_pipeline,
    check_new_task,
]
