"""
A task that was not in training
===============================

Sixteen tasks scatter about a common mean, lie in a space of two dimensions, or belong
to three groups. A model is fitted to fifteen of them. How many samples of the last task
are needed, with what the model has learned held fixed, and alone?
"""

import matplotlib.pyplot as plt
import numpy as np

from pymtl import (
    MultiTaskClusteredRegressor,
    MultiTaskMeanRegressor,
    MultiTaskTraceNormRegressor,
    SingleTaskRegressor,
)
from pymtl.datasets import make_multitask_regression

# %%
# The new task has up to 60 samples to learn from, and 200 to be judged by. Each curve
# is the mean over ten draws of the problem.

SIZES = [4, 6, 10, 15, 25, 40, 60]
CASES = {
    "mean": MultiTaskMeanRegressor(),
    "low_rank": MultiTaskTraceNormRegressor(),
    "clustered": MultiTaskClusteredRegressor(n_clusters=3),
}


def curves(structure, model, seed):
    """Return R2 of the new task with and without what was learned, by its size."""
    data = make_multitask_regression(
        n_tasks=16,
        n_samples=260,
        n_features=20,
        structure=structure,
        snr=2.0,
        random_state=seed,
    )
    known = model.fit([X[:60] for X in data.Xs[:15]], [y[:60] for y in data.ys[:15]])
    X, y = data.Xs[15], data.ys[15]
    held = X[60:], y[60:]
    return [
        (
            known.fit_new_task(X[:n], y[:n]).score(*held),
            SingleTaskRegressor().fit(X[:n], y[:n]).score(*held),
        )
        for n in SIZES
    ]


# %%
# With a handful of samples the structure is nearly all there is to know.

scores = {}
figure, axes = plt.subplots(1, 3, sharey=True, figsize=(10, 3.5), layout="constrained")
for ax, (structure, model) in zip(axes, CASES.items(), strict=True):
    score = np.mean([curves(structure, model, seed) for seed in range(10)], axis=0)
    scores[structure] = score
    ax.plot(SIZES, score[:, 0], "o-", label="fit_new_task")
    ax.plot(SIZES, score[:, 1], "s--", label="alone")
    ax.set(title=structure.replace("_", " "), xlabel="samples of the new task")
    print(structure, np.round(score, 2).tolist())
axes[0].set_ylabel("R2 on held-out samples")
axes[0].legend()
plt.show()
