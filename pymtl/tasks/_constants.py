"""Names of the doors, and the types of numbers."""

import numpy as np

LISTS, SHARED, LONG = "lists", "shared", "long"
FLOATS = [np.float64, np.float32]
