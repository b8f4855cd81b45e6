"""The fit of a mixed model as a table of text."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

SINGULAR = (
    "A variance (or a direction of the covariance) of the tasks is estimated as zero: "
    "there\nthe tasks are the same, one model for all. That is a legal answer, common "
    "with few tasks."
)


def summary(model: Any) -> str:
    """Return the table of a fitted `MultiTaskBayesianRegressor`.

    Parameters
    ----------
    model : MultiTaskBayesianRegressor
        A fitted model.

    Returns
    -------
    text : str
        The table.
    """
    names = [str(name) for name in model.coef_names_]
    value, rows = np.append(model.coef_mean_, model.intercept_mean_), []
    names = ["intercept", *names]
    value = np.roll(value, 1)
    std = np.roll(np.sqrt(np.diag(model.coef_mean_covariance_)), 1)
    psi = np.roll(model.coef_prior_covariance_, 1, axis=(0, 1))
    free = np.roll(model._free, 1)
    method = "restricted " * (model.method == "reml") + "log-likelihood"
    noise = np.sqrt(np.mean(model.noise_variance_))
    full = model.covariance == "full"
    lines = [
        f"Linear mixed model, covariance {model.covariance}, noise {model.noise}",
        f"rows {model._n_obs:g}, tasks {len(model.tasks_)}, {method} "
        f"{model.log_marginal_likelihood_:.4f}, parameters {model.n_parameters_}",
        "",
        "Common coefficients",
    ]
    width = max(len(name) for name in names)
    head = f"{'':{width}} {'coef':>11} {'std err':>11} {'z':>8} {'P>|z|':>7}"
    lines.append(head + f" {'[0.025':>11} {'0.975]':>11}")
    for j, name in enumerate(names):
        if name == "intercept" and model.fit_intercept is False:
            continue
        if free[j]:
            rows.append(f"{name:{width}} {value[j]:11.4g}  free in each task")
            continue
        z = value[j] / std[j] if std[j] > 0 else np.nan
        p, half = 2 * stats.norm.sf(abs(z)), stats.norm.ppf(0.975) * std[j]
        rows.append(
            f"{name:{width}} {value[j]:11.4g} {std[j]:11.4g} {z:8.3f} {p:7.3f} "
            f"{value[j] - half:11.4g} {value[j] + half:11.4g}"
        )
    lines += [
        *rows,
        "",
        "Tasks about them",
        f"{'':{width}} {'std dev':>11}  correlations",
    ]
    columns = model._posterior.columns
    sd = np.sqrt(np.diag(psi))
    shown: list[int] = []
    for j in columns.random:
        own = []
        if full:
            scale = [sd[j] * sd[k] for k in shown]
            own = [
                f"{psi[j, k] / s:6.2f}" if s > 0 else "     -"
                for k, s in zip(shown, scale, strict=True)
            ]
        lines.append(f"{names[j]:{width}} {sd[j]:11.4g}  {' '.join(own)}".rstrip())
        shown.append(j)
    lines.append(f"{'noise':{width}} {noise:11.4g}")
    return "\n".join(lines + ["", SINGULAR] * model.singular_)
