"""What may be handed over besides a `def`: lambdas, methods, partials, objects, ufuncs."""

import functools
import math
import operator
from dataclasses import dataclass

import numpy as np

from zoo.registry import program, register, sample


@dataclass(frozen=True)
class Spring:
    """A damped spring, the kind of object a model is made of."""

    stiffness: float
    damping: float
    rest: tuple = (0.5, 1.0)

    def force(self, x, v):
        return -self.stiffness * (x - self.rest[0]) - self.damping * v

    def __call__(self, x, steps=5):
        v = self.rest[1]
        for _ in range(steps):
            v = v + 0.1 * self.force(x, v)
            x = x + 0.1 * v
        return 0.5 * v**2 + 0.5 * self.stiffness * x**2

    @staticmethod
    def doubled(x):
        return 2 * x * x

    @property
    def period(self):
        return 2 * math.pi / math.sqrt(self.stiffness)


SPRING = Spring(2.0, 0.3)


class Poly:
    """A polynomial that holds its coefficients in an array."""

    degree = 2

    def __init__(self, coefficients):
        self.coefficients = coefficients

    def value(self, x):
        y = 0.0
        for c in self.coefficients[::-1]:
            y = y * x + c
        return y

    def squared(self, x):
        return self.value(x) ** self.degree

    @classmethod
    def chebyshev(cls, x):
        return cls.degree * x**2 - 1


POLY = Poly(np.array([1.0, -0.5, 0.25]))


@program(0.9, 0.2, tags=("bound_method", "callable_object"))
def methods_of_a_global_object(x, v):
    pull = SPRING.force
    return pull(x, v) * SPRING.force(v, x) + SPRING(x, steps=2) + SPRING.doubled(x) / SPRING.period


@program(0.9, SPRING, argnums=(0,), tags=("bound_method", "callable_object", "attribute"))
def object_as_an_argument(x, spring):
    energy = spring.stiffness * x**2
    return energy + spring(x) + spring.force(x, energy)


def logged(f):
    @functools.wraps(f)
    def wrapper(*args):
        return f(*args)

    return wrapper


@program(0.8, tags=("wrapped",))
@logged
def decorated_function(x):
    return math.sin(x) * x**2


@logged
@logged
def wrapped_helper(x, y):
    return x * y + math.cos(x)


@program(0.8, 1.9, tags=("wrapped", "call"))
def calls_a_decorated_function(x, y):
    return wrapped_helper(x, y) * wrapped_helper(y, x)


@program(0.6, tags=("callable_object", "bound_method", "for_tuple"))
def objects_in_a_tuple(x):
    total = 0.0
    for f in (SPRING, POLY.value, Poly.chebyshev):
        total += f(x) ** 2
    return total + POLY.degree * x


def residual(r, a):
    return r * r - a


def descend(x, *, rate=0.1, steps=4):
    for _ in range(steps):
        x = x - rate * residual(x, 2.0) * x
    return x


CUBE, QUARTIC = (lambda x: x**3 - x, lambda x: x**4 + 2 * x)
TABLE = {"ratio": lambda x, y: x / y, "wave": lambda x, y=2.0: math.sin(x * y)}

register("lambda_in_a_call", lambda x, y: x * np.sin(y) + y, 1.5, 0.4, tags=("lambda",))
register("first_lambda_of_two", CUBE, 1.5, tags=("lambda",))
register("second_lambda_of_two", QUARTIC, 1.5, tags=("lambda",))
register("lambda_in_a_dict", TABLE["ratio"], 1.5, 0.4, tags=("lambda",))
register("lambda_with_default", TABLE["wave"], 1.5, tags=("lambda", "default_arg"))
register("lambda_over_a_closure", (lambda c: lambda x: c * x**c)(3.0), 0.8, tags=("lambda",))
register("bound_method", POLY.value, 0.7, tags=("bound_method",))
register("bound_method_calling_another", POLY.squared, 0.7, tags=("bound_method", "call"))
register("class_method", Poly.chebyshev, 0.7, tags=("bound_method",))
register("static_method", Spring.doubled, 0.7, tags=("bound_method",))
register("callable_object", SPRING, 1.1, tags=("callable_object",))
register("partial_of_a_def", functools.partial(residual, 1.4), 0.3, tags=("partial",))
register(
    "partial_with_keywords",
    functools.partial(descend, rate=0.05, steps=3),
    1.2,
    tags=("partial", "kwonly"),
)
register(
    "partial_of_a_bound_method",
    functools.partial(SPRING.force, v=0.1),
    0.4,
    tags=("partial", "bound_method"),
)
register("partial_of_a_ufunc", functools.partial(np.power, 2.0), 0.4, tags=("partial", "ufunc"))
register("ufunc_tanh", np.tanh, 0.3, tags=("ufunc",))
register("ufunc_hypot", np.hypot, 0.3, 1.2, tags=("ufunc",))
register("numpy_sum", np.sum, sample(3, 2), tags=("numpy",))
register("numpy_dot", np.dot, sample(3), sample(3, seed=1), tags=("numpy",))
register("math_gamma", math.gamma, 2.3, tags=("math_function", "math"))
register("math_hypot", math.hypot, 0.3, 1.2, tags=("math_function", "math"))
register("math_exp", math.exp, 0.3, tags=("math_function", "math"))
register("operator_mul", operator.mul, 0.3, 1.2, tags=("operator_function",))
register("operator_truediv", operator.truediv, 0.3, 1.2, tags=("operator_function",))
register("operator_matmul", operator.matmul, sample(3), sample(3, seed=1), tags=("op_matmul",))
register("builtin_abs", abs, -0.7, tags=("builtins",))
register("builtin_pow", pow, 0.7, 2.2, tags=("builtins",))
