"""The class of the objects that random programs hold their state in."""

from dataclasses import dataclass

import numpy as np


@dataclass
class State:
    """An array, a number, and methods that write to them."""

    v: np.ndarray
    n: float

    def kick(self, x):
        """Write into the array, and bind the number anew."""
        self.v[0] += x * self.n
        self.n *= 0.5

    def renew(self):
        """Bind the array anew."""
        self.v = self.v * 0.5 + self.n
        return np.sum(self.v)
