"""
Digits: ten tasks, or one with ten classes
==========================================

Handwritten digits of 8 x 8 pixels, 300 of them for training. "Is it a 3?" and so on are
ten tasks on the same images, and which of the ten it is one task of ten classes. Either
way the L2,1 norm looks for the pixels that suffice for all ten.
"""

import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from pymtl import MultiTaskL1Classifier, MultiTaskL21Classifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(
    X / 16, y, train_size=300, stratify=y, random_state=0
)

# %%
# Ten tasks, one against the rest
# -------------------------------
# With a 2-d y each column is a task. `predict_proba` gives the probability of the
# second class for each of them, and the largest wins.

Y = (y[:, None] == np.arange(10)).astype(int)
SHARES = (0.7, 0.5, 0.3, 0.2, 0.1, 0.03)


def one_against_the_rest(Classifier):
    """Yield the accuracy, the pixels used and the model along a path."""
    largest = Classifier().lambda_max(X, Y)
    for share in SHARES:
        model = Classifier(share * largest).fit(X, Y)
        right = model.predict_proba(X_test).argmax(axis=1) == y_test
        yield right.mean(), np.sum(model.coef_.any(axis=0)), model


# %%
# One task, ten classes
# ---------------------
# A list of one task. The multinomial loss links the classes; a row of the penalty has
# one coefficient for each.


def multinomial(Classifier):
    """Yield the accuracy, the pixels used and the model along a path."""
    largest = Classifier().lambda_max([X], [y])
    for share in SHARES:
        model = Classifier(share * largest).fit([X], [y])
        right = model.predict([X_test])[0] == y_test
        yield right.mean(), np.sum(model.coef_[0].any(axis=0)), model


paths = {
    "ten tasks, L2,1": list(one_against_the_rest(MultiTaskL21Classifier)),
    "ten tasks, L1": list(one_against_the_rest(MultiTaskL1Classifier)),
    "ten classes, L2,1": list(multinomial(MultiTaskL21Classifier)),
}
for name, path in paths.items():
    best = max(path, key=lambda point: point[0])
    print(
        f"{name:18} best accuracy {best[0]:.1%} with {best[1]} pixels, "
        f"largest certificate {max(model.certificate_ for _, _, model in path):.0e}"
    )

# %%
# With few pixels it pays to choose them for all digits together.

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for (name, path), style in zip(paths.items(), ("C0o-", "C3s--", "C2^-"), strict=True):
    accuracy, pixels, _ = zip(*path, strict=True)
    ax.plot(pixels, accuracy, style, label=name)
ax.set(xlabel="pixels used", ylabel="accuracy on the other 1497")
ax.legend()

# %%
# The coefficients of the ten tasks at a tenth of the largest strength, as images: a
# blank pixel is blank in all of them.

model = paths["ten tasks, L2,1"][SHARES.index(0.1)][2]
top = np.abs(model.coef_).max()
fig, axes = plt.subplots(2, 5, figsize=(8, 3.6), layout="constrained")
for digit, ax in enumerate(axes.ravel()):
    image = model.coef_[digit].reshape(8, 8)
    ax.imshow(image, cmap="RdBu_r", vmin=-top, vmax=top)
    ax.set(title=f"is it a {digit}?", xticks=[], yticks=[])
plt.show()
