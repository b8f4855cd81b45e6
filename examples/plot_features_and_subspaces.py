"""
Features, a subspace, and tasks that do not fit in
==================================================

Each structure is tried on data that have it, so that what it finds can be held against
what is there: features that all tasks use, a few of a task's own, a subspace, outlier
tasks, and the branches of a tree.
"""

import numpy as np
from matplotlib import pyplot as plt

from pymtl import (
    MultiTaskDirtyRegressor,
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskRobustFeatureRegressor,
    MultiTaskRobustLowRankRegressor,
    MultiTaskTraceNormRegressor,
    MultiTaskTreeRegressor,
    SingleTaskRegressor,
)
from pymtl.datasets import make_multitask_regression


def fit(model, share, Xs, ys):
    """Fit at a share of the strength that leaves nothing but the intercepts."""
    return model.set_params(lambda1=share * model.lambda_max(Xs, ys)).fit(Xs, ys)


def signed(rng, shape):
    """Draw coefficients that are not small, of either sign."""
    return rng.choice([-1, 1], shape) * rng.uniform(0.7, 1.5, shape)


def draw_tasks(rng, coef, n_samples):
    """Draw a regression for each row of coef."""
    Xs = [rng.standard_normal((n_samples, len(w))) for w in coef]
    noise = 0.7 * rng.standard_normal((len(coef), n_samples))
    return Xs, [X @ w + e for X, w, e in zip(Xs, coef, noise, strict=True)]


def show(axes, panels, xlabel="feature"):
    """Draw matrices of a row a task in one scale of colours."""
    top = max(np.abs(W).max() for W in panels.values())
    for ax, (title, W) in zip(axes, panels.items(), strict=True):
        style = {"cmap": "RdBu_r", "aspect": "auto", "interpolation": "nearest"}
        ax.imshow(W, vmin=-top, vmax=top, **style)
        ax.set(title=title, xlabel=xlabel, ylabel="task")
        ax.label_outer()


# %%
# Features in common
# ------------------
# Eight of sixty features matter, to all tasks. The L2,1 norm takes or leaves a feature
# for all tasks at once, and finds the eight; the L1 norm decides for every task on its
# own, and finds others in some.

data = make_multitask_regression(
    n_tasks=10, n_samples=40, n_features=60, n_informative=8, random_state=0
)
l21 = fit(MultiTaskL21Regressor(), 0.3, data.Xs, data.ys)
l1 = fit(MultiTaskL1Regressor(), 0.3, data.Xs, data.ys)
planted_rows = data.shared_features
chosen_rows = np.flatnonzero(l21.coef_.any(axis=0))
print("planted features:", planted_rows)
print("L2,1 chooses:    ", chosen_rows)
print("L1 chooses:      ", np.flatnonzero(l1.coef_.any(axis=0)))

fig, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
show(axes, {"truth": data.coef, "L2,1": l21.coef_, "L1": l1.coef_})

# %%
# Features in common and features of a task's own
# -----------------------------------------------
# Beside six features in common, every task has two of its own. The dirty model is the
# sum of two parts, one with the features in common and one with single entries.

rng = np.random.default_rng(0)
shared, specific = np.zeros((2, 10, 40))
shared_truth = np.arange(4, 36, 6)
shared[:, shared_truth] = signed(rng, (10, 6))
own_features = np.array([rng.choice(40, 2, replace=False) for _ in specific])
np.put_along_axis(specific, own_features, signed(rng, (10, 2)), axis=1)
specific[:, shared_truth] = 0
Xs, ys = draw_tasks(rng, shared + specific, n_samples=80)
dirty = MultiTaskDirtyRegressor(2.0, 0.4).fit(Xs, ys)
shared_found = np.flatnonzero(dirty.shared_coef_.any(axis=0))
own_right = np.mean((dirty.specific_coef_ != 0) == (specific != 0))
print(f"shared features {shared_found}, planted {shared_truth}")
print(f"entries of a task's own rightly zero or not: {own_right:.0%}")

fig, axes = plt.subplots(2, 2, figsize=(8, 5), layout="constrained")
show(
    axes.ravel(),
    {
        "truth, in common": shared,
        "truth, a task's own": specific,
        "dirty, in common": dirty.shared_coef_,
        "dirty, a task's own": dirty.specific_coef_,
    },
)

# %%
# A subspace
# ----------
# The coefficients of twenty tasks lie in three dimensions. Those of single models, with
# forty samples for twenty-five features, do not; the trace norm sets the small singular
# values to zero.

data = make_multitask_regression(
    n_tasks=20,
    n_samples=40,
    n_features=25,
    structure="low_rank",
    rank=3,
    snr=10,
    random_state=0,
)
single = SingleTaskRegressor().fit(data.Xs, data.ys)
trace = fit(MultiTaskTraceNormRegressor(), 0.2, data.Xs, data.ys)
rank = np.linalg.matrix_rank(trace.coef_)
print(f"rank {rank}, planted {data.rank}")

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for name, W, style in (
    ("truth", data.coef, "ko-"),
    ("single-task ridge", single.coef_, "C3s-"),
    ("trace norm", trace.coef_, "C0^-"),
):
    ax.plot(np.linalg.svd(W, compute_uv=False), style, label=name)
ax.set(xlabel="number", ylabel="singular value of the coefficients")
ax.legend()

# %%
# Outlier tasks
# -------------
# Three of twenty tasks are not like the others, which share features on the left and a
# subspace on the right. The models have a part for tasks that do not fit in, and
# ``outlier_tasks_`` are those with something in it.

fig, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
outliers = {}
for ax, base, model in (
    (axes[0], "shared_rows", MultiTaskRobustFeatureRegressor()),
    (axes[1], "low_rank", MultiTaskRobustLowRankRegressor()),
):
    data = make_multitask_regression(
        n_tasks=20,
        n_samples=80,
        n_features=30,
        structure="outlier",
        base=base,
        n_outliers=3,
        snr=10,
        random_state=1,
    )
    model.fit(data.Xs, data.ys)
    outliers[base] = model.outlier_tasks_, data.outlier_tasks
    print(f"{base}: {model.outlier_tasks_}, planted {data.outlier_tasks}")
    planted = np.isin(range(20), data.outlier_tasks)
    norms = np.linalg.norm(model.specific_coef_, axis=1)
    ax.bar(range(20), norms, color=np.where(planted, "C3", "C0"))
    ax.set(title=type(model).__name__, xlabel="task (outliers in red)")
axes[0].set_ylabel("norm of the outlier part")

# %%
# A tree of the tasks
# -------------------
# Two branches of four tasks, each of two pairs. Some features serve all, some a branch,
# some a pair. The penalty can drop a feature for a whole branch.

truth = np.zeros((8, 30))
for tasks, features in (
    (slice(0, 8), slice(0, 2)),
    (slice(0, 4), slice(2, 5)),
    (slice(4, 8), slice(5, 8)),
    (slice(0, 2), slice(8, 10)),
    (slice(6, 8), slice(10, 12)),
):
    truth[tasks, features] = signed(rng, truth[tasks, features].shape)
Xs, ys = draw_tasks(rng, truth, n_samples=40)
tree = fit(
    MultiTaskTreeRegressor(tree=[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]), 0.2, Xs, ys
)
l21 = fit(MultiTaskL21Regressor(), 0.2, Xs, ys)
tree_right = {
    name: np.mean((model.coef_ != 0) == (truth != 0))
    for name, model in (("tree", tree), ("L2,1", l21))
}
print("entries rightly zero or not:", {k: f"{v:.0%}" for k, v in tree_right.items()})

fig, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
show(axes, {"truth": truth, "tree": tree.coef_, "L2,1": l21.coef_})
plt.show()
