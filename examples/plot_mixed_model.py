"""
Partial pooling: between one model and one a school
===================================================

The mathematics scores of 7,185 pupils in 160 schools on their socio-economic status, as
a linear mixed model: how far do schools differ, how sure is that, and what does a
school with few pupils get?
"""

import matplotlib.pyplot as plt
import numpy as np

from pymtl import MultiTaskBayesianRegressor, PooledRegressor, SingleTaskRegressor
from pymtl.datasets import load_hsb82

# %%
# The variances are those of the largest restricted likelihood, as lme4 finds them for
# ``mAch ~ ses + (1 + ses | school)``.

hsb = load_hsb82(school_level=False)
X, y = hsb.data[["school", "ses"]], hsb.target
model = MultiTaskBayesianRegressor("full", task_column="school").fit(X, y)
print(model.summary())

# %%
# Intercept and slope of each school alone (grey), drawn to the common ones (red): the
# fewer pupils a school has, and the less a direction varies between schools, the
# further.

alone = SingleTaskRegressor(0.0, task_column="school").fit(X, y)
pooled = PooledRegressor(0.0, task_column="school").fit(X, y)

fig, ax = plt.subplots(figsize=(7, 5), layout="constrained")
for a, b, c, d in zip(
    alone.intercept_,
    alone.coef_[:, 0],
    model.intercept_,
    model.coef_[:, 0],
    strict=True,
):
    ax.plot([a, c], [b, d], color="0.85", linewidth=0.8, zorder=1)
ax.scatter(alone.intercept_, alone.coef_[:, 0], s=8, color="0.6", label="alone")
ax.scatter(model.intercept_, model.coef_[:, 0], s=8, label="partial pooling")
ax.scatter(model.intercept_mean_, model.coef_mean_, color="red", label="common")
ax.scatter(pooled.intercept_[0], pooled.coef_[0], color="k", marker="x", label="pooled")
ax.set(xlabel="intercept", ylabel="slope of socio-economic status")
ax.legend()
plt.show()

# %%
# The schools in order of their intercepts, with 95 % intervals given the variances. The
# dashed line is the common intercept; a school that is not in the data is expected
# within the band.

order = np.argsort(model.intercept_)
sd = np.sqrt(model.coef_prior_covariance_[-1, -1])
fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.axhspan(*(model.intercept_mean_ + 1.96 * sd * np.array([-1, 1])), color="0.93")
ax.axhline(model.intercept_mean_, color="red", linestyle="--", linewidth=1)
ax.errorbar(
    np.arange(len(order)),
    model.intercept_[order],
    1.96 * model.intercept_std_[order],
    fmt=".",
    markersize=3,
    linewidth=0.7,
)
ax.set(xlabel="schools", ylabel="intercept")
plt.show()

# %%
# Do slopes and intercepts go together? The likelihood ratio says no more than that the
# data cannot tell.

diagonal = MultiTaskBayesianRegressor("diagonal", task_column="school").fit(X, y)
test = diagonal.compare(model)
print(f"2 log likelihood ratio {test.statistic:.2f}, p {test.p_value:.2f}")
