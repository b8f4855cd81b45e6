"""Sections that the docstrings of all estimators share."""

import inspect
import re

PARAMETERS = """\
    loss : {"squared"} or Loss, default="squared"
        The loss, averaged within each task.
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
        sum of its sample weights, "null" the inverse of its null loss, which makes
        units irrelevant; or one number a task, as an array or a dict by label.
    feature_weight : array-like of shape (n_features,) or None, default=None
        Multiplies each feature's share of the penalty; 0 is a covariate that is not
        penalised.
    unseen_task : {"error", "mean"}, default="error"
        What `predict` does with a task that was not in fit: raise, or use the mean of
        the tasks' coefficients and intercepts.
    solver : {"auto", "apg", "bcd", "direct"}, default="auto"
        "direct" solves squared losses with quadratic penalties by a linear system,
        "bcd" squared losses with norms of rows or entries (and a ridge) by block
        coordinate descent, "apg" is the accelerated proximal gradient method, for
        everything. "auto" takes the first of them that can, and for the network lasso
        an augmented Lagrangian method.
    tol : float, default=1e-5
        Tolerance of `certificate_`.
    max_iter : int, default=10000
        Largest number of iterations.
    warm_start : bool, default=False
        Whether to start from the last solution.
    verbose : int, default=0
        Whether to print a progress line."""

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
    certificate_ : float
        What `tol` bounds, computed in float64 from the residuals.
    certificate_kind_ : {"duality gap", "newton decrement", "prox residual"}
        The kind of certificate; a gap is relative to the null model's objective.
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
    solver_ : {"alm", "apg", "bcd", "direct", "smoothing"}
        The solver that ran; losses with kinks have one of their own.
    coef_names_ : ndarray of shape (n_features,)
        Names of the features, without the task column.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_columns,)
        Names of the columns of X in fit, if they are all strings."""


def document(cls: type) -> type:
    """Fill the shared sections into the docstring of an estimator.

    Of the parameters those of its constructor that the docstring does not describe
    itself.
    """
    if cls.__doc__ is None:
        return cls
    names = inspect.signature(cls).parameters
    entries = re.split(r"\n(?=    \w+ :)", PARAMETERS)
    missing = [
        entry
        for entry in entries
        if (name := entry.split()[0]) in names and f"\n    {name} :" not in cls.__doc__
    ]
    text = cls.__doc__.replace("    {parameters}", "\n".join(missing))
    cls.__doc__ = text.replace("    {attributes}", ATTRIBUTES)
    return cls
