"""Names of scikit-learn, RMTL and MALSAR, and slips of the pen, lead to ours."""

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LogisticRegression,
    MultiTaskLassoCV,
    Ridge,
)
from sklearn.pipeline import make_pipeline

import pymtl
from pymtl import (
    MultiTaskClassifier,
    MultiTaskClusteredRegressor,
    MultiTaskDirtyRegressor,
    MultiTaskGraphRegressor,
    MultiTaskL1Classifier,
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskRegressor,
    MultiTaskSearchCV,
    MultiTaskTemporalGroupRegressor,
    SingleTaskRegressor,
    TaskScaler,
    compare_sharing,
)
from pymtl._names import PARAMETERS, VALUES, parameter_hint
from pymtl.losses import LOSSES
from pymtl.penalties import L21, PENALTIES
from pymtl.solvers import SOLVERS

X = np.random.default_rng(0).normal(size=(12, 3))
NAMES = [
    (MultiTaskL1Regressor, "alpha", "Did you mean lambda1"),
    (MultiTaskL21Regressor, "alphas", "Did you mean lambda1"),
    (SingleTaskRegressor, "alpha", "Did you mean lambda2"),
    (MultiTaskL1Classifier, "C", "lambda1 = 1 / (n C)"),
    (MultiTaskL1Regressor, "l1_ratio", "lambda2 = alpha (1 - l1_ratio) / 2"),
    (MultiTaskL1Regressor, "Lam1", "Did you mean lambda1"),
    (MultiTaskL1Regressor, "Lam2", "Did you mean lambda2"),
    (MultiTaskDirtyRegressor, "rho_L2", "Did you mean ridge"),
    (MultiTaskL21Regressor, "rho_L2", "Did you mean lambda2"),
    (MultiTaskGraphRegressor, "rho_L1", "Did you mean lambda3"),
    (MultiTaskGraphRegressor, "G", "Did you mean incidence"),
    (MultiTaskTemporalGroupRegressor, "rho3", "Did you mean lambda3"),
    (MultiTaskClusteredRegressor, "k", "Did you mean n_clusters"),
    (MultiTaskL1Regressor, "opts", "Did you mean tol"),
    (MultiTaskL1Regressor, "n_jobs", "MultiTaskSearchCV(model, n_jobs=...)"),
    (MultiTaskL1Regressor, "random_state", "deterministic"),
    (MultiTaskL1Regressor, "penalty", "MultiTaskRegressor takes any"),
    (MultiTaskL1Regressor, "task_colum", "Did you mean task_column"),
    (MultiTaskL1Regressor, "sample_weight", "argument of fit"),
    (MultiTaskRegressor, "alpha", "penalty=L21(lambda1)"),
    (L21, "alpha", "Did you mean lambda1"),
    (TaskScaler, "with_sd", "Did you mean with_std"),
]


@pytest.mark.parametrize(("cls", "name", "wanted"), NAMES)
def test_other_names_lead_to_ours(cls, name, wanted):
    with pytest.raises(TypeError, match="unexpected keyword argument") as error:
        cls(**{name: 1.0})
    assert wanted in str(error.value)
    with pytest.raises(ValueError, match="Invalid parameter") as error:
        cls().set_params(**{name: 1.0})
    assert wanted in str(error.value)


def test_names_of_parts_lead_to_ours():
    pipeline = make_pipeline(TaskScaler(), MultiTaskL21Regressor())
    with pytest.raises(ValueError, match=r"Did you mean lambda1\?"):
        pipeline.set_params(multitaskl21regressor__alpha=1.0)
    with pytest.raises(ValueError, match=r"Did you mean lambda1\?"):
        MultiTaskRegressor(L21()).set_params(penalty__alpha=1.0)
    search = MultiTaskSearchCV(MultiTaskL21Regressor())
    with pytest.raises(ValueError, match=r"Did you mean lambda1\?"):
        search.set_params(estimator__alpha=1.0)
    with pytest.raises(TypeError, match=r"Did you mean n_lambdas\?"):
        MultiTaskSearchCV(MultiTaskL21Regressor(), n_alphas=10)


def test_what_has_no_other_name_gets_no_advice():
    with pytest.raises(TypeError, match=r"'colour'\.$"):
        MultiTaskL1Regressor(colour="red")


@pytest.mark.parametrize(
    ("parameter", "value", "wanted"),
    [
        ("penalty", "Trace", "'trace_norm'"),
        ("penalty", "L21", "'l21'"),
        ("penalty", "Lasso", "'l1'"),
        ("penalty", "CMTL", "'clustered'"),
        ("penalty", "Graph", "'graph'"),
        ("penalty", "trace-nrom", "'trace_norm'"),
        ("penalty", "elasticnet", "Ridge"),
        ("penalty", "MTFLC", "MultiTaskCalibratedRegressor"),
        ("loss", "mse", "'squared'"),
        ("loss", "squared_error", "'squared'"),
        ("solver", "fista", "'apg'"),
        ("fit_intercept", "shrunk", "'shrink'"),
    ],
)
def test_other_values_lead_to_ours(parameter, value, wanted):
    model = MultiTaskRegressor(**{parameter: value})
    with pytest.raises(ValueError, match=f"'{parameter}' parameter") as error:
        model.fit(X, X)
    assert wanted in str(error.value)


def test_values_of_classifiers_and_comparisons_lead_to_ours():
    with pytest.raises(ValueError, match="Did you mean 'logistic'"):
        MultiTaskClassifier(loss="log_loss").fit(X, X > 0)
    with pytest.raises(ValueError, match="Did you mean 'TraceNorm'"):
        compare_sharing([X, X], [X[:, 0], X[:, 1]], structures=["Trace"])


def test_tables_lead_somewhere():
    classes = [getattr(pymtl, name) for name in pymtl.__all__]
    ours = {
        name
        for cls in classes
        if inspect.isclass(cls)
        for name in inspect.signature(cls).parameters
    }
    for name, (names, remark) in PARAMETERS.items():
        assert set(names) <= ours, name
        assert remark or names, name
    options = {"penalty": set(PENALTIES), "loss": set(LOSSES), "solver": set(SOLVERS)}
    for parameter, table in VALUES.items():
        for value, here in table.items():
            assert value.isalnum(), value
            assert value == value.lower()
            assert here in options[parameter] or here.endswith(".")


@pytest.mark.parametrize(
    "peer", [Lasso, Ridge, ElasticNet, LogisticRegression, MultiTaskLassoCV]
)
def test_every_parameter_of_the_peers_is_known(peer):
    ours = (MultiTaskL1Regressor, MultiTaskClassifier, MultiTaskSearchCV)
    shared = {name for cls in ours for name in inspect.signature(cls).parameters}
    known = inspect.signature(MultiTaskL1Regressor).parameters
    for name in inspect.signature(peer).parameters:
        if name not in shared and not name.startswith("use_legacy"):
            assert parameter_hint(name, known), name


def test_construction_is_as_it_was():
    signature = inspect.signature(MultiTaskL1Regressor)
    assert list(signature.parameters)[:2] == ["lambda1", "lambda2"]
    model = MultiTaskL1Regressor(0.5, lambda2=0.1)
    for other in (clone(model), pickle.loads(pickle.dumps(model))):
        assert other.get_params() == model.get_params()

    class Any(MultiTaskL1Regressor):
        def __init__(self, **options):
            super().__init__(**options)

    assert Any(lambda1=0.2).lambda1 == 0.2
