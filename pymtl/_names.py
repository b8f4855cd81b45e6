"""What scikit-learn, RMTL and MALSAR call the parameters, and the values, of pymtl."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LASSO = "The alpha of Lasso is lambda1, that of Ridge 2 n lambda2 with n rows a task."
INVERSE = (
    "With n rows a task lambda2 = 1 / (2 n C), for an L1 penalty lambda1 = 1 / (n C)."
)
RATIO = "With both, lambda1 = alpha l1_ratio and lambda2 = alpha (1 - l1_ratio) / 2."
SEARCH = "MultiTaskSearchCV searches along the path of the method path."
JOBS = (
    "A fit uses the threads of BLAS; MultiTaskSearchCV(model, n_jobs=...) fits at once."
)
FITS = "It is an argument of fit."
SCALE = "Scale the features first, with TaskScaler or StandardScaler."

# name elsewhere: names here, of which the first that the class has is offered; a remark
PARAMETERS: dict[str, tuple[tuple[str, ...], str]] = {
    "C": (("lambda2", "lambda1"), INVERSE),
    "G": (("incidence", "graph"), ""),
    "Lam1": (("lambda1", "lambda2"), ""),
    "Lam1_seq": (("lambda1",), SEARCH),
    "Lam2": (("lambda2", "ridge"), ""),
    "R": (("incidence", "graph"), ""),
    "Regularization": (("penalty",), "Each Regularization has a class, too."),
    "adjacency": (("graph",), ""),
    "alpha": (("lambda1", "lambda2"), LASSO),
    "alphas": (("lambda1", "lambda2"), SEARCH),
    "Cs": (("lambda1", "lambda2"), SEARCH),
    "copy_X": ((), "Inputs are never modified."),
    "criterion": (("loss",), ""),
    "dual": ((), "The solver works on both sides."),
    "eps": (("tol",), "The length of a path is an argument of the method path."),
    "epsilon": ((), "Use loss=Huber(delta) of pymtl.losses."),
    "fit_bias": (("fit_intercept",), ""),
    "gamma": (("lambda1",), ""),
    "groups": (("task_column",), ""),
    "intercept_scaling": ((), "Intercepts are free, or fit_intercept='shrink'."),
    "k": (("n_clusters", "n_components"), ""),
    "l1": (("lambda1",), ""),
    "l1_ratio": (("lambda1",), RATIO),
    "l1_reg": (("lambda1",), ""),
    "l2": (("lambda2",), ""),
    "l2_reg": (("lambda2", "ridge"), ""),
    "lam": (("lambda1", "lambda2"), ""),
    "lambda_": (("lambda1", "lambda2"), ""),
    "lambda": (("lambda1", "lambda2"), ""),
    "lambd": (("lambda1", "lambda2"), ""),
    "maxIter": (("max_iter",), ""),
    "max_iterations": (("max_iter",), ""),
    "multi_class": ((), "More than two classes have a multinomial loss."),
    "n_alphas": (("n_lambdas",), SEARCH),
    "n_epochs": (("max_iter",), ""),
    "n_jobs": ((), JOBS),
    "n_lambdas": ((), SEARCH),
    "normalize": ((), SCALE),
    "offset": ((), FITS),
    "opts": (("tol",), "The fields of opts are parameters of their own."),
    "penalty": ((), "Each structure is a class; MultiTaskRegressor takes any penalty."),
    "precompute": ((), "Products of the features are used where they pay."),
    "quantile": ((), "Use loss=Quantile(q) of pymtl.losses."),
    "random_state": ((), "The fit is deterministic."),
    "regularization": (("penalty",), ""),
    "rho1": (("lambda1",), ""),
    "rho2": (("lambda2",), "Of Least_SRMTL it is lambda3."),
    "rho3": (("lambda3",), ""),
    "rho_L1": (("lambda3", "lambda1"), ""),
    "rho_L2": (("ridge", "lambda2"), ""),
    "rho_L3": (("lambda3",), ""),
    "sample_weight": ((), FITS),
    "scale": ((), SCALE),
    "selection": ((), "The order of coordinate descent is not an option."),
    "task": (("task_column",), ""),
    "task_col": (("task_column",), ""),
    "tau": (("rank_budget",), ""),
    "type": (("loss",), "Regressors and classifiers are classes of their own."),
}

# parameter: {value elsewhere in small letters without signs: value here, or a sentence}
VALUES: dict[str, dict[str, str]] = {
    "penalty": {
        "caso": "aso",
        "cfglasso": "fused_sparse_group",
        "cmtl": "clustered",
        "elasticnet": "Use penalty=L1(lambda1) + Ridge(lambda2) of pymtl.penalties.",
        "fusedlasso": "fused_sparse_group",
        "grouplasso": "l21",
        "jointfeaturelearning": "l21",
        "l2": "ridge",
        "lasso": "l1",
        "lowrank": "trace_norm",
        "meanregularized": "mean",
        "msmtfl": "l21",
        "mtfl": "l21",
        "mtflc": "Use MultiTaskCalibratedRegressor.",
        "mtrl": "relationship",
        "multitasklasso": "l21",
        "nuclear": "trace_norm",
        "nuclearnorm": "trace_norm",
        "oscar": "Use penalty=OrderedRows(weights='oscar') of pymtl.penalties.",
        "owl": "ordered_rows",
        "pooled": "Use PooledRegressor or PooledClassifier.",
        "rmtfl": "robust_feature",
        "rmtl": "robust_low_rank",
        "singletask": "ridge",
        "slope": "ordered_rows",
        "sparse": "l1",
        "sparsegrouplasso": "sparse_group",
        "sparsetrace": "sparse_low_rank",
        "srmtl": "graph",
        "tgl": "temporal_group",
        "trace": "trace_norm",
    },
    "loss": {
        "absoluteerror": "quantile",
        "binarycrossentropy": "logistic",
        "crossentropy": "logistic",
        "l1": "quantile",
        "l2": "squared",
        "lad": "quantile",
        "leastsquares": "squared",
        "log": "logistic",
        "logit": "logistic",
        "logloss": "logistic",
        "ls": "squared",
        "mae": "quantile",
        "mse": "squared",
        "pinball": "quantile",
        "sqrtlasso": "square_root",
        "squarederror": "squared",
        "svm": "hinge",
    },
    "solver": {
        "cd": "bcd",
        "cholesky": "direct",
        "coordinatedescent": "bcd",
        "fista": "apg",
        "ista": "apg",
        "lbfgs": "newton",
        "liblinear": "newton",
        "lsqr": "direct",
        "newtoncg": "newton",
        "newtoncholesky": "newton",
        "sag": "apg",
        "saga": "apg",
        "svd": "direct",
    },
}


def parameter_hint(name: str, known: Iterable[str]) -> str:
    """Return what a parameter of another name may have meant, "" if nothing is near.

    Parameters
    ----------
    name : str
        A name that is not a parameter.
    known : iterable of str
        The parameters that there are.

    Returns
    -------
    hint : str
        A sentence or two.
    """
    known = list(known)
    if name not in PARAMETERS:
        near = get_close_matches(name.lower(), known, n=1, cutoff=0.7)
        return f"Did you mean {near[0]}?" if near else ""
    names, note = PARAMETERS[name]
    found = [other for other in names if other in known]
    hint = ""
    if found:
        hint = f"Did you mean {found[0]}?"
    elif "penalty" in known and names and names[0].startswith("lambda"):
        hint = f"Did you mean {names[0]} of the penalty, as in penalty=L21({names[0]})?"
    return f"{hint} {note}".strip()


def value_hint(parameter: str, value: str, known: Iterable[str]) -> str:
    """Return what a value of another name may have meant, "" if nothing is near.

    Parameters
    ----------
    parameter : str
        The parameter.
    value : str
        A value that it does not take.
    known : iterable of str
        Those that it takes.

    Returns
    -------
    hint : str
        A sentence.
    """
    plain = {_plain(other): other for other in known}
    table = dict.fromkeys(plain) | VALUES.get(parameter, {})
    key = _plain(value)
    if key not in table:
        key = next(iter(get_close_matches(key, table, n=1, cutoff=0.7)), None)
    here = plain.get(key) or table.get(key, "")
    if here.endswith("."):
        return here
    here = plain.get(_plain(here))
    return f"Did you mean {here!r}?" if here else ""


def _plain(name):
    return "".join(c for c in name.lower() if c.isalnum())
