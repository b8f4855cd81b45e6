"""Sections that the docstrings of all estimators share."""

import inspect
import re

PARAMETERS = """\
    loss : {"squared", "huber", "poisson", "quantile", ...} or Loss, default="squared"
        The loss, averaged within each task: a name of the regression losses in
        `pymtl.losses.LOSSES`, or an object with options, such as ``Quantile(0.9)``.
    fit_intercept : bool or {"shared", "shrink"}, default=True
        True fits one free intercept a task, "shared" one for all tasks, "shrink" adds
        :math:`\\lambda_0 \\sum_t (c_t - \\bar c)^2`, False none. Small groups gain from
        "shrink".
    lambda0 : float or "auto", default="auto"
        Strength of "shrink"; "auto" is half the mean task weight.
    task_column : int, str or None, default=None
        The column of a long table that names the task: a column name of a frame, or a
        position. None when the tasks come as lists or as columns of y.
    task_order : array-like or None, default=None
        Task labels in the order of `tasks_`. By default the order of the lists, the
        category order of a categorical column, else sorted.
    task_weight : {"n_samples", "null"}, array-like, dict or None, default=None
        Weight :math:`\\omega_t` of each task's mean loss: None is 1, "n_samples" the
        sum of its sample weights, "null" the inverse of its null loss; or one number a
        task, as an array or a dict by label. Regressors with the squared loss also take
        "learned": the noise level of each task is estimated with the coefficients, and
        the loss is :math:`\\|r_t\\|_2 / \\sqrt{n_t} = \\min_\\sigma \\|r_t\\|_2^2 /
        (2 n_t \\sigma) + \\sigma / 2`; `noise_` has the levels.
    feature_weight : array-like of shape (n_features,) or None, default=None
        Multiplies each feature's share of the penalty; 0 is a covariate that is not
        penalised.
    unseen_task : {"structure", "mean", "error"}, default="structure"
        What `predict` does with a task that was not in fit. "structure" predicts it,
        with a warning, by what the structure says of a task without data: the mean of
        the tasks' coefficients and intercepts, of two parts the mean of the shared one;
        a given graph and an order do not say where the task belongs, and raise. "mean"
        is the mean of the tasks, whatever the structure; "error" raises.
    solver : str, default="auto"
        "direct" solves squared losses with quadratic penalties by a linear system,
        "homotopy" the lasso exactly, along its path from knot to knot, "bcd" squared
        losses with norms of rows or entries (and a ridge) by block coordinate descent,
        "semismooth" the same by Newton steps on the dual, whose number hardly depends
        on the strength and on correlations, "newton" other smooth losses by a sequence
        of squared losses, "apg" is the accelerated proximal gradient method, for
        everything. "auto" takes the first of them that can, "homotopy" for tasks up to
        a certain size, "semismooth" where "bcd" needs many sweeps, for the network
        lasso an augmented Lagrangian method, and where a prox takes one step for all
        tasks alternating directions (ADMM) after a few proximal gradient steps.
    tol : float, default=1e-5
        Tolerance of `certificate_`.
    max_iter : int, default=10000
        Largest number of iterations.
    warm_start : bool, default=False
        Whether `fit` starts from the last solution, also that of a cold fit before.
    verbose : int, default=0
        Whether to print a progress line."""

CLASSIFIER_PARAMETERS = """\
    loss : {"logistic", "hinge", "squared_hinge"} or Loss, default="logistic"
        The loss, averaged within each task. Only "logistic" knows probabilities, and
        more than two classes: then it is the multinomial loss.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, {label: weight}, that multiply the sample weights; with
        "balanced" the classes of a task weigh the same.
    lambda0 : float or "auto", default="auto"
        Strength of "shrink"; "auto" is twice the mean task weight over the rows of a
        task: a priori the intercepts differ by 1/2, in log odds.
    single_class : {"error", "constant"}, default="error"
        What to do with a task of which the training data show one class only: raise,
        or predict that class for it. With intercepts that are not free it is a task
        like the others.
    missing : object, default=nan
        What stands for "not observed" in a 2-d y; NaN and None always do."""

CLASSIFIER_ATTRIBUTES = """\
    classes_ : ndarray of shape (n_classes,), or list
        The labels; of lists whose tasks have labels of their own one array a task.
    coef_ : ndarray of shape (n_tasks, n_features) or (n_tasks, n_classes, n_features)
        Coefficients of the second of two classes, or of each of more classes. A list
        of arrays (n_classes, n_features) if the tasks have labels of their own.
    intercept_ : ndarray of shape (n_tasks,) or (n_tasks, n_classes)
        Intercepts; minus infinity for a class that a task does not have."""

ATTRIBUTES = """\
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    penalty_ : Penalty
        The penalty with the strengths that were used.
    lambda0_ : float
        The strength of `fit_intercept="shrink"` that was used.
    ridge_ : float
        The strength of the ridge that was used.
    certificate_ : float
        What `tol` bounds, computed in float64 from the residuals.
    certificate_kind_ : str
        "duality gap" or "newton decrement", relative to the null model's objective;
        "prox residual"; or, of a penalty that is not convex, "stationarity".
    dual_gap_ : float
        The gap in units of the objective.
    converged_ : bool
        Whether the certificate is within `tol`.
    objective_ : float
        The objective at the solution.
    history_ : ndarray of shape (n_iter,)
        The objective after each iteration.
    n_iter_ : int
        Number of iterations.
    solver_ : str
        The solver that ran: one of those above, "admm" or "alm" (see there), or
        "smoothing", the one of losses with kinks.
    coef_names_ : ndarray of shape (n_features,)
        Names of the features, without the task column.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_columns,)
        Names of the columns of X in fit, if they are all strings."""


CLASSIFIER_AUTO = """\
        For labels times a factor that vanishes as the rows become many: with q = 4
        n_features / n_rows, at most 4, it is q for squares, the root of q, at most 1,
        for norms."""


def document(cls: type) -> type:
    """Fill the shared sections into the docstring of an estimator.

    What it says of a parameter or an attribute itself comes first, then what its
    structure says, then what is said here. Defaults are those of its constructor.
    """
    if cls.__doc__ is None:
        return cls
    names = inspect.signature(cls).parameters
    parameters, attributes = _entries(PARAMETERS), _entries(ATTRIBUTES)
    if "class_weight" in names:
        parameters |= _entries(CLASSIFIER_PARAMETERS)
        first = _entries(CLASSIFIER_ATTRIBUTES)
        attributes = first | attributes | first
    if "ridge" not in names:
        del attributes["ridge_"]
    references = ""
    for base in cls.__mro__[1:]:
        if "_penalty" in vars(base):
            structure = base.__doc__ or ""
            parameters |= _entries(_section(structure, "Parameters"))
            attributes |= _entries(_section(structure, "Attributes"))
            references = _section(structure, "References") or references
    own = _section(cls.__doc__, "Parameters")
    parameters |= _entries(own.replace("    {parameters}", ""))
    if "class_weight" in names:
        first = next(
            (n for n in names if n.startswith("lambda") and n != "lambda0"), ""
        )
        if first:
            parameters[first] += "\n" + CLASSIFIER_AUTO
    entries = [_with_default(parameters[n], p.default) for n, p in names.items()]
    text = cls.__doc__.replace(own, "\n".join(entries))
    text = text.replace("    {attributes}", "\n".join(attributes.values()))
    cls.__doc__ = text.replace("    {references}", references)
    return cls


def _section(doc, name):
    """Return the text of a section, without its title."""
    found = re.search(
        rf"\n    {name}\n    -+\n(.*?)(?=\n\n    [^\n]+\n    --|\n*    $|\Z)", doc, re.S
    )
    return found[1].rstrip() if found else ""


def _entries(text):
    """Return {name: entry} of a section; one entry may describe several names."""
    entries = re.split(r"\n(?=    \w[\w, ]* :)", text)
    return {entry.split(" :")[0].strip(): entry for entry in entries if " :" in entry}


def _with_default(entry, default):
    """Return the entry of a parameter with the default of its constructor."""
    head, *rest = entry.split("\n")
    head = head.partition(", default=")[0]
    value = f'"{default}"' if isinstance(default, str) else repr(default)
    return "\n".join([f"{head}, default={value}", *rest])
