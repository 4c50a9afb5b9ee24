"""Arrays of a wanted shape by the less common ways: joining, cutting, repeating, contracting."""

from fuzz.expressions import Choice, Expressions, position_type


class Shapes(Expressions):
    """Adds to the choices for vectors and matrices."""

    def _vectors(self, shape: tuple[int, ...], depth: int) -> list[Choice]:
        n, d = shape[0], depth
        k = self.rng.choice(self.sizes) or 1
        choices = super()._vectors(shape, depth)
        choices += [
            (1, lambda: f"np.ravel({self.array((n, 1), d)})"),
            (1, lambda: f"({self.array((1, n), d)}).reshape(-1)"),
            (1, lambda: f"np.squeeze({self.array((1, n), d)}, axis=0)"),
            (1, lambda: f"({self.array((n, k), d)}).mean(axis=1)"),
            (1, lambda: f"({self.array((k, n), d)}).sum(axis=0)"),
            (1, lambda: f"np.prod({self.array((k, n), d)}, axis=0)"),
            (1, lambda: f"np.einsum('ij,j->i', {self.array((n, k), d)}, {self.array((k,), d)})"),
            (1, lambda: f"np.tensordot({self.array((k,), d)}, {self.array((k, n), d)}, 1)"),
            (1, lambda: f"np.pad({self.array((max(n - 1, 0),), d)}, (0, {n - max(n - 1, 0)}))"),
            (1, lambda: f"np.cumprod(np.tanh({self.array(shape, d)}))"),
            (1, lambda: f"({self.array(shape, d)}) % 2.0"),
            (1, lambda: f"np.where({self.cond(1)}, {self.array(shape, d)}, {self.num(d)})"),
            (1, lambda: f"({self.array(shape, d)}).copy()"),
            (1, lambda: f"np.asarray({self.array(shape, d)})"),
            (1, lambda: f"np.zeros_like({self.array(shape, d)})"),
            (1, lambda: f"({self.array(shape, d)}).astype(np.float64)"),
        ]
        if n:
            choices += [
                (1, lambda: f"np.diag({self.array((n, n), d)})"),
                (1, lambda: f"({self.array((k, n), d)})[np.arange({n}) % {k}, np.arange({n})]"),
                (1, lambda: f"np.repeat({self.array((1,), d)}, {n})"),
                (1, lambda: f"np.tile({self.num(d)}, {n})"),
                (1, lambda: f"np.linalg.solve(np.eye({n}) * 3 + 0.1 * np.tanh({self.array((n, n), d)}),"
                    f" {self.array(shape, d)})"),
                (1, lambda: f"({self.array(shape, d)})[np.argsort({self.array(shape, d)})]"),
                (1, lambda: f"({self.array(shape, d)}) / np.sum(np.exp({self.num(0)} * 0.3 + 1.0))"),
                (1, lambda: f"np.hstack([{self.num(d)}, {self.array((n - 1,), d)}])"),
            ]  # fmt: skip
        if n % 2 == 0 and n:
            choices += [
                (1, lambda: f"np.split({self.array((2 * n,), d)}, 2)[{self.rng.choice('01')}]"),
                (1, lambda: f"np.tile({self.array((n // 2,), d)}, 2)"),
                (1, lambda: f"({self.array((2 * n,), d)})[::2]"),
            ]
        return choices

    def _matrices(self, shape: tuple[int, ...], depth: int) -> list[Choice]:
        (n, m), d = shape, depth
        k = self.rng.choice(self.sizes) or 1
        choices = super()._matrices(shape, depth)
        choices += [
            (1, lambda: f"np.swapaxes({self.array((m, n), d)}, 0, 1)"),
            (
                1,
                lambda: f"np.einsum('ik,kj->ij', {self.array((n, k), d)}, {self.array((k, m), d)})",
            ),
            (1, lambda: f"np.einsum('i,j->ij', {self.array((n,), d)}, {self.array((m,), d)})"),
            (
                1,
                lambda: (
                    f"np.tensordot({self.array((n, k), d)}, {self.array((m, k), d)}, ([1], [1]))"
                ),
            ),
            (1, lambda: f"np.triu({self.array(shape, d)})"),
            (
                1,
                lambda: (
                    f"({self.array((n, m + 1), d)})[:, {self.expr(position_type(m, m + 1), 0)}]"
                ),
            ),
            (1, lambda: f"np.flip({self.array(shape, d)}, axis=1)"),
            (1, lambda: f"np.roll({self.array(shape, d)}, 1, axis=0)"),
            (1, lambda: f"np.ravel({self.array(shape, d)}).reshape({shape})"),
            (1, lambda: f"({self.array(shape, d)}) * ({self.array((n,), d)})[:, None]"),
            (1, lambda: f"({self.array((n,), d)})[:, None] + {self.array((m,), d)}"),
            (1, lambda: f"np.expand_dims({self.array((m,), d)}, 0) * np.ones({self.dims(shape)})"),
        ]
        if n and m:
            choices += [
                (1, lambda: f"({self.array(shape, d)}) - ({self.array(shape, d)}).mean(axis=0)"),
                (1, lambda: f"({self.array(shape, d)}) / (1 + np.abs({self.array(shape, d)})"
                    f".max(axis=1, keepdims=True))"),
                (1, lambda: f"np.repeat({self.array((1, m), d)}, {n}, axis=0)"),
                (1, lambda: f"np.tile({self.array((m,), d)}, ({n}, 1))"),
                (1, lambda: f"np.vstack([{self.array((m,), d)}, {self.array((n - 1, m), d)}])"),
                (1, lambda: f"np.concatenate([{self.array((n, 1), d)}, "
                    f"{self.array((n, m - 1), d)}], axis=1)"),
                (1, lambda: f"({self.array(shape, d)})[..., ::1]"),
            ]  # fmt: skip
        if n == m and n:
            choices += [
                (1, lambda: f"np.diag({self.array((n,), d)})"),
                (
                    1,
                    lambda: (
                        f"np.linalg.inv(np.eye({n}) * 3 + 0.1 * np.tanh({self.array(shape, d)}))"
                    ),
                ),
                (1, lambda: f"np.eye({n}) * {self.num(d)}"),
            ]
        return choices
