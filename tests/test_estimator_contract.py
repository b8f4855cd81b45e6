"""Every public estimator, and every penalty of the registry, keeps both contracts.

scikit-learn's checks run on the estimators as they are (1-d y), with two columns of y,
and behind a wrapper that gives every row a task. `pymtl.testing.MULTITASK_CHECKS` test
what those cannot see. No check is expected to fail. All of scikit-learn's checks run on
representatives of every way through the package; on the other estimators those of the
constructor and parameters, and with `make test-all` the rest. Our own checks run whole
on two plain regressors and a classifier, on the others a diagonal of them.
"""

import inspect
import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    RegressorMixin,
    clone,
    is_classifier,
    is_regressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import check_is_fitted, validate_data

import pymtl
from pymtl import (
    MultiTaskBayesianRegressor,
    MultiTaskCalibratedRegressor,
    MultiTaskDirtyRegressor,
    MultiTaskGraphClassifier,
    MultiTaskGraphRegressor,
    MultiTaskL21Classifier,
    MultiTaskL21Regressor,
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskMixed,
    MultiTaskNetworkLassoRegressor,
    MultiTaskRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskTraceNormRegressor,
    MultiTaskTreeClassifier,
    PooledClassifier,
    PooledRegressor,
    SingleTaskClassifier,
    SingleTaskRegressor,
    TaskScaler,
)
from pymtl.penalties import L21, PENALTIES, Mean, Ridge
from pymtl.testing import MULTITASK_CHECKS, check_multitask_estimator
from pymtl.testing._data import exact, make_shared, make_tasks, require_same_fit

from .sweeps import named, thinned

CLASSES = [
    obj
    for obj in (getattr(pymtl, name) for name in pymtl.__all__)
    if inspect.isclass(obj) and issubclass(obj, BaseEstimator)
    if not issubclass(obj, MetaEstimatorMixin)
]
REGRESSORS = [  # those with a penalty
    cls() for cls in CLASSES if is_regressor(cls()) and hasattr(cls, "lambda_max")
]
REGRESSION = ["huber", "quantile", "square_root", "squared"]
CLASSIFIERS = [cls() for cls in CLASSES if is_classifier(cls())]
PLAIN = (MultiTaskL21Regressor(), MultiTaskMeanRegressor(), MultiTaskMeanClassifier())
FAST = (
    MultiTaskGraphClassifier,
    MultiTaskL21Classifier,
    MultiTaskMeanClassifier,
    MultiTaskTreeClassifier,
    PooledClassifier,
    SingleTaskClassifier,
)
NAMELESS = [
    MultiTaskRegressor(name)
    for name, cls in PENALTIES.items()
    if not hasattr(pymtl, f"MultiTask{cls.__name__}Regressor")
]
GENERAL = [*NAMELESS, *(MultiTaskRegressor(loss=loss) for loss in REGRESSION)]
REPRESENTATIVES = (
    MultiTaskBayesianRegressor,  # variances in place of a penalty
    MultiTaskCalibratedRegressor,  # learned weights
    MultiTaskDirtyRegressor,  # components
    MultiTaskL21Regressor,
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskMixed,
    MultiTaskNetworkLassoRegressor,  # a method of its own
    MultiTaskTraceNormRegressor,
    PooledRegressor,
    SingleTaskRegressor,
    TaskScaler,
)
CONSTRUCTION = {
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_fit_score_takes_y",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
}
SPREAD = [
    MultiTaskCalibratedRegressor(),
    MultiTaskDirtyRegressor(),
    MultiTaskGraphRegressor(),
    MultiTaskL21Regressor(),
    MultiTaskMeanRegressor(),
    MultiTaskRelationshipRegressor(),
    MultiTaskTraceNormRegressor(),
    PooledRegressor(),
    SingleTaskRegressor(),
]
VARIANTS = [
    SingleTaskRegressor(0.0),
    MultiTaskL21Regressor(0.05, 0.01),
    MultiTaskL21Regressor(fit_intercept="shrink"),
    MultiTaskL21Regressor(0.1, fit_intercept="shared"),
    MultiTaskMeanRegressor(0.3, 0.1, fit_intercept="shrink"),
    MultiTaskMeanRegressor(fit_intercept=False),
    MultiTaskMeanRegressor(solver="apg"),
    PooledRegressor(0.1, fit_intercept=True),
    MultiTaskRegressor(L21("auto") + Mean("auto") + Ridge("auto")),
]
EXAMPLES = [
    MultiTaskRegressor(penalty)
    for cls in PENALTIES.values()
    for penalty in cls.examples(5, 4)
]


class Wrapper(RegressorMixin, BaseEstimator):
    """A regressor that hands the data to another, in another form."""

    def __init__(self, estimator=None):
        self.estimator = estimator

    def fit(self, X, y, sample_weight=None):
        X, y = validate_data(self, X, y, y_numeric=True)
        base = MultiTaskL21Regressor() if self.estimator is None else self.estimator
        self.estimator_ = clone(base).set_params(**self.params)
        self.estimator_.fit(self.form(X), self.targets(y), sample_weight)
        self.n_iter_ = self.estimator_.n_iter_
        return self

    def predict(self, X):
        check_is_fitted(self)
        return self.read(
            self.estimator_.predict(self.form(validate_data(self, X, reset=False)))
        )


class WithTasks(Wrapper):
    """Puts every row into one of three tasks by its content, as a last column."""

    params = {"task_column": -1, "unseen_task": "mean"}

    def form(self, X):
        task = np.floor(8 * np.abs(X).sum(axis=1)) % 3
        return np.column_stack([X, task])

    def targets(self, y):
        return y

    def read(self, z):
        return z


class WithTargets(Wrapper):
    """Gives three targets that are near each other and predicts the first."""

    params = {}

    def form(self, X):
        return X

    def targets(self, y):
        return np.column_stack([y, 1.1 * y, 0.9 * y])

    def read(self, z):
        return z[:, 0]


def name(value):
    return " ".join(str(value).split()) if isinstance(value, BaseEstimator) else None


def scikit_learn_checks(estimators, thorough, third=()):
    """Parametrise over scikit-learn's checks; of some classes all but few are slow."""
    parameters = []
    for k, (estimator, check) in enumerate(
        pair for e in estimators for pair in estimator_checks_generator(e)
    ):
        inner = getattr(estimator, "estimator", None) or estimator
        label = check.func.__name__
        quick = isinstance(inner, thorough) or label in CONSTRUCTION
        quick = quick or (isinstance(inner, third) and k % 3 == 0)
        marks = () if quick else pytest.mark.slow
        label = f"{name(estimator)}-{label}"
        parameters.append(pytest.param(estimator, check, marks=marks, id=label))
    return pytest.mark.parametrize(("estimator", "check"), parameters)


@scikit_learn_checks(
    [cls() for cls in CLASSES] + GENERAL,
    REPRESENTATIVES,
    third=(MultiTaskGraphClassifier, MultiTaskL21Classifier),
)
def test_scikit_learn(estimator, check):
    check(estimator)


WRAPPED = (MultiTaskCalibratedRegressor, MultiTaskL21Regressor, PooledRegressor)


@scikit_learn_checks([WithTasks(estimator) for estimator in SPREAD], WRAPPED)
def test_scikit_learn_with_tasks(estimator, check):
    check(estimator)


@scikit_learn_checks([WithTargets(estimator) for estimator in SPREAD], WRAPPED)
def test_scikit_learn_with_targets(estimator, check):
    check(estimator)


def test_names_of_the_construction_checks():
    """None has another name, so that all run on every estimator."""
    checks = estimator_checks_generator(MultiTaskMeanRegressor())
    assert {check.func.__name__ for _, check in checks} >= CONSTRUCTION


def test_wrapper_forms_several_tasks():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 5)), rng.standard_normal(60)
    assert WithTasks().fit(X, y).estimator_.tasks_.tolist() == [0, 1, 2]
    assert WithTargets().fit(X, y).estimator_.coef_.shape == (3, 5)


def is_plain(estimator, check):
    return repr(estimator) in map(repr, PLAIN)


@thinned(
    6,
    whole=is_plain,
    ids=name,
    estimator=REGRESSORS + NAMELESS + VARIANTS,
    check=MULTITASK_CHECKS,
)
def test_multitask(estimator, check):
    before = repr(estimator)
    check(estimator)
    assert repr(estimator) == before


@thinned(
    6,
    whole=is_plain,
    ids=name,
    estimator=[e for e in CLASSIFIERS if isinstance(e, FAST)]
    + [
        MultiTaskL21Classifier(0.05, 0.01, fit_intercept="shared"),
        MultiTaskMeanClassifier(0.1, 0.01, fit_intercept="shrink"),
        MultiTaskMeanClassifier(0.1, 0.1, loss="squared_hinge"),
    ],
    check=MULTITASK_CHECKS,
)
def test_classifiers(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize("check", MULTITASK_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "estimator", [e for e in CLASSIFIERS if not isinstance(e, FAST)], ids=name
)
def test_other_classifiers(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", EXAMPLES, ids=lambda e: type(e.penalty).__name__)
def test_examples_of_penalties(estimator):
    """Penalties with numbers, and with data of their own, for four tasks."""
    X, Y = make_shared(n_tasks=4)
    shared = exact(estimator).fit(X, Y)
    lists = exact(estimator).fit([X] * 4, list(Y.T))
    require_same_fit(shared, lists, "a shared design gives another fit")
    assert shared.certificate_ <= 1e-12


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The null loss of task")  # true of some of the data
@pytest.mark.parametrize("check", MULTITASK_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("estimator", REGRESSORS + VARIANTS, ids=name)
def test_multitask_on_other_data(estimator, check, monkeypatch):
    generator = np.random.default_rng
    for seed in range(1, 6):  # not a parameter: thousands of tests take time to collect
        draw = partial(lambda seed, s=None: generator([seed, s or 0]), seed)
        monkeypatch.setattr(np.random, "default_rng", draw)
        with named(f"seed {seed}"):
            check(estimator)


# Certificates, computed here from the formulas


def primal(Xs, ys, model, penalty):
    """Return the objective and the dual points of the residuals, one a task."""
    residuals = [
        y - X @ w - c
        for X, y, w, c in zip(Xs, ys, model.coef_, model.intercept_, strict=True)
    ]
    loss = sum(0.5 * np.mean(r**2) for r in residuals)
    return loss + penalty(model.coef_.T), [r / len(r) for r in residuals]


def dual_of_loss(ys, theta):
    """Return the linear and the quadratic part of -f*(-theta)."""
    linear = sum(y @ u for y, u in zip(ys, theta, strict=True))
    return linear, 0.5 * sum(len(u) * (u @ u) for u in theta)


@pytest.mark.parametrize("tol", [1e-2, 1e-5, 1e-10])
def test_gap_of_l21(tol):
    Xs, ys = make_tasks((8, 20, 12), n_features=30)
    strength = 0.2
    model = MultiTaskL21Regressor(strength, tol=tol).fit(Xs, ys)
    value, theta = primal(
        Xs, ys, model, lambda W: strength * np.sqrt((W**2).sum(axis=1)).sum()
    )
    A = np.column_stack([X.T @ u for X, u in zip(Xs, theta, strict=True)])
    largest = np.sqrt((A**2).sum(axis=1)).max()
    linear, square = dual_of_loss(ys, theta)
    scale = min(linear / (2 * square), strength / largest)
    gap = value - (scale * linear - scale**2 * square)
    null = sum(0.5 * np.var(y) for y in ys)
    assert model.objective_ == pytest.approx(value, rel=1e-12)
    assert model.dual_gap_ == pytest.approx(gap, rel=1e-4, abs=1e-14 * value)
    assert model.certificate_ == pytest.approx(gap / null, rel=1e-4, abs=1e-14)
    assert model.certificate_ <= tol


@pytest.mark.parametrize("ridge", [0.01, 1.0])
def test_gap_of_l21_with_ridge(ridge):
    """The exact conjugate of the sum bounds the distance to the optimum too."""
    Xs, ys = make_tasks((8, 20, 12), n_features=30)
    strength, tol = 0.2, 1e-8
    model = MultiTaskL21Regressor(strength, ridge, tol=tol).fit(Xs, ys)
    value, theta = primal(
        Xs,
        ys,
        model,
        lambda W: strength * np.sqrt((W**2).sum(axis=1)).sum() + ridge * np.sum(W**2),
    )
    A = np.column_stack([X.T @ u for X, u in zip(Xs, theta, strict=True)])
    above = np.maximum(np.sqrt((A**2).sum(axis=1)) - strength, 0)
    linear, square = dual_of_loss(ys, theta)
    gap = value - (linear - square - np.sum(above**2) / (4 * ridge))
    null = sum(0.5 * np.var(y) for y in ys)
    assert model.objective_ == pytest.approx(value, rel=1e-12)
    assert -1e-12 * value <= gap <= 10 * tol * null


def test_optimum_of_mean():
    """The gradient, written out, is zero."""
    Xs, ys = make_tasks((8, 20, 12), n_features=30)
    model = MultiTaskMeanRegressor(0.3, 0.05).fit(Xs, ys)
    W = model.coef_.T
    _, theta = primal(Xs, ys, model, lambda W: 0.0)
    A = np.column_stack([X.T @ u for X, u in zip(Xs, theta, strict=True)])
    pull = 2 * 0.3 * (W - W.mean(axis=1, keepdims=True)) + 2 * 0.05 * W
    assert_allclose(A, pull, atol=1e-10 * np.abs(A).max())
    for X, y, w, c in zip(Xs, ys, model.coef_, model.intercept_, strict=True):
        assert np.mean(y - X @ w - c) == pytest.approx(0, abs=1e-12)
    assert model.certificate_kind_ == "duality gap"
    assert model.certificate_ <= 1e-12


# The checks notice what is broken


class Broken(MultiTaskL21Regressor):
    """A base for estimators that get one thing wrong."""


class ForgetsWeights(Broken):
    def fit(self, X, y, sample_weight=None, offset=None):
        return super().fit(X, y, None, offset)


class ForgetsOffset(Broken):
    def fit(self, X, y, sample_weight=None, offset=None):
        return super().fit(X, y, sample_weight)


class FillsMissing(Broken):
    def fit(self, X, y, sample_weight=None, offset=None):
        if isinstance(y, np.ndarray) and y.dtype.kind == "f":
            y = np.nan_to_num(y)
        return super().fit(X, y, sample_weight, offset)


class FixedStrength(Broken):
    def _penalty(self):
        return L21(0.1) + Ridge(0.0)


class Shrinks(Broken):
    def fit(self, X, y, sample_weight=None, offset=None):
        super().fit(X, y, sample_weight, offset)
        self.coef_ = 0.999 * self.coef_
        return self


class Optimist(Broken):
    def fit(self, X, y, sample_weight=None, offset=None):
        super().fit(X, y, sample_weight, offset)
        self.dual_gap_ *= 0.1
        return self


class Silent(Broken):
    def fit(self, X, y, sample_weight=None, offset=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().fit(X, y, sample_weight, offset)


class Unconcerned(Broken):
    def fit(self, X, y, sample_weight=None, offset=None):
        super().fit(X, y, sample_weight, offset)
        self.converged_ = True
        return self


class Centres(Broken):
    def fit(self, X, y, sample_weight=None, offset=None):
        if isinstance(X, np.ndarray):
            X -= 0.0
            X[0] += 1.0
        return super().fit(X, y, sample_weight, offset)


class FavoursTheFirst(Broken):
    def _task_weights(self, data):
        weight = super()._task_weights(data)
        weight[0] *= 1.01
        return weight


class SortsNothing(Broken):
    def predict(self, X, offset=None):
        z = super().predict(X, offset)
        return z[::-1] if self.task_column is not None and len(z) else z


class Lenient(Broken):
    def _accepts_unseen(self):
        return True


class ReversesLabels(MultiTaskL21Classifier):
    def predict(self, X, offset=None):
        labels = super().predict(X, offset)
        return labels[::-1] if self.task_column is not None else labels


class ShrinksLabels(MultiTaskL21Classifier):
    def fit(self, X, y, sample_weight=None, offset=None):
        super().fit(X, y, sample_weight, offset)
        self.coef_ = 0.99 * self.coef_
        return self


class ForgetsOffsetOfLabels(MultiTaskL21Classifier):
    def fit(self, X, y, sample_weight=None, offset=None):
        return super().fit(X, y, sample_weight)


class Sums(Broken):
    def _task_weights(self, data):
        return data.task_sum(data.weight)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (ForgetsWeights(), "weight"),
        (ForgetsOffset(), "offset is not taken off"),
        (FillsMissing(), "NaN in y gives another fit"),
        (FixedStrength(), "units of X|'null' depends|lambda_max"),
        (Shrinks(), "free intercepts are not optimal"),
        (Optimist(), "dual_gap_ is no bound"),
        (Silent(), "no ConvergenceWarning"),
        (Unconcerned(), "converged_ without certificate"),
        (Centres(), "modify the input|read-only"),
        (FavoursTheFirst(), "text change the fit|permuting the tasks"),
        (SortsNothing(), "other predictions"),
        (Lenient(), "not seen in fit"),
        (Sums(), "another fit|stated objective"),
        (ReversesLabels(), "other predictions"),
        (ShrinksLabels(), "constants change"),
        (ForgetsOffsetOfLabels(), "constant offset"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.filterwarnings("ignore:The null loss:UserWarning")
def test_broken_estimators_are_noticed(broken, message):
    with pytest.raises((AssertionError, ValueError), match=message):
        check_multitask_estimator(broken)


def test_checks_can_be_skipped():
    others = [check.__name__ for check in MULTITASK_CHECKS]
    others.remove("check_sample_weight")
    with pytest.raises(AssertionError, match="sample_weight is not a repetition"):
        check_multitask_estimator(ForgetsWeights(), skip=others)
    check_multitask_estimator(ForgetsWeights(), skip=[*others, "check_sample_weight"])
    with pytest.raises(ValueError, match="no checks with the names"):
        check_multitask_estimator(ForgetsWeights(), skip=["check_nothing"])
