"""Programs on which the stages once disagreed, made small: each is right now, or refused."""

import numpy as np
import pytest

from fuzz.check import check
from fuzz.programs import Program
from fuzz.state import State

HEAD = "import numpy as np\nfrom fuzz.state import State\n\n"
RIGHT: dict[str, tuple[str, tuple, tuple[int, ...]]] = {
    "a float32 field times integers": (
        """def f(p):
    return np.sum(p.v * np.arange(3)) + p.n
""",
        (State(np.ones(3, np.float32), np.float32(2.0)),),
        (0,),
    ),
    "a method in a saved module": (
        """def f(v):
    p = {}
    for t in range(3):
        p[t] = p.get(t - 1, 1.0) * v
    return p[2]
""",
        (0.3,),
        (0,),
    ),
    "a number on one path and a tuple on another": (
        """def f(b):
    if b:
        return 0.7
    else:
        u = (b,)
    return u
""",
        ((-0.608, 0.077),),
        (0,),
    ),
    "an array of no dimensions, written to": (
        """def f(p, h):
    out = np.where(h, p, p)
    out *= p
    return out
""",
        (-0.607, 1),
        (0,),
    ),
    "the entry of a dict, an array of no dimensions": (
        """def f(v, acc):
    out = {'w': np.where(acc, acc, acc), 'k': v}
    out['w'] += acc
    return out['w']
""",
        (np.array([0.294, -1.065]), 0.137),
        (1,),
    ),
    "a dict that no round has bound yet": (
        """def f(h, out, y):
    for t in h:
        p = out
        if p:
            r = {'w': t, 'k': 0.3}
        t = r
        s = [State(t, out)]
        out = s[0].v
    return out
""",
        (np.array([[0.232]]), -1.185, np.array([0])),
        (0,),
    ),
    "a residual called as a later loop calls its index": (
        """def f(a):
    t = np.zeros((9, 1))
    for y in range(1, 9):
        t[y] += (1.5 + np.sin(a)) ** np.tanh(a)
        for h in range(1):
            for total in range(h, -1, -1):
                t[h, total:] -= t[total, total:]
    return np.sum(t)
""",
        (0.784,),
        (0,),
    ),
    "a sum of a broadcast and of what is added to zeros": (
        """def f(a, t):
    s = np.sum(a)
    if t.ndim:
        total = s
    else:
        total = t
    a[...] += 2
    return np.sum(a) + total ** 2
""",
        (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0])),
        (0,),
    ),
    "a list walked backwards while it is written to": (
        """def f(p, s):
    r = reversed(s)
    s[0] = p
    t = 0.0
    for x in r:
        t = t * 2 + x
        s[0] = s[0] * x
    return t
""",
        (0.3, [1.0, 2.0, 3.0]),
        (0, 1),
    ),
    "a list that is begun before the head of the loop reads another": (
        """def f(x):
    xs = []
    for w in x:
        xs.append(np.ones(4)[:2])
    ys = []
    for p, q in xs:
        ys.append(1)
    return (0 if ys else 0.5) + np.sum(x)
""",
        (np.ones(10, np.float32),),
        (0,),
    ),
    "an attribute of None or an array": (
        """def f(z):
    u = [0.5]
    for k in range(len(u)):
        u[k] = k
    c = None
    for a in u:
        c = z
    return np.sum(c.T[0] * c.flat[0]) + c.size * np.sum(c.real)
""",
        (np.array([[0.5, 0.7, -0.3], [0.2, 0.9, 1.4]]),),
        (0,),
    ),
    "a slice of a list, or the list itself, handed to the next round": (
        """def f(x):
    xs = []
    out = []
    for v in x:
        xs.append(v * v)
        if len(xs) > 2:
            ys = xs[1:]
        else:
            ys = xs
        p = 1.0
        for w in ys:
            p = p * w * w
        out.append(p)
        xs = ys
    return np.sum(np.array(out))
""",
        (np.array([1.1, 0.7, 1.3, 0.9, 1.2]),),
        (0,),
    ),
    "a row less itself": (
        """def f(p, h):
    y = p[1:]
    y -= y
    return np.sum(p) + np.sum(h)
""",
        (np.array([[0.3, 0.4], [0.5, 0.6]]), np.array([1.0, 2.0])),
        (1,),
    ),
    "a number or None in a list that is written to": (
        """def f(p, total, a):
    y = None
    for t in p:
        y = 1.0
    z = [y, total[0, a % 1], y]
    z[2] = z[a % 3] * 0.5
    return sum(z)
""",
        (np.array([[-1.084]]), np.array([[-0.062]]), 1),
        (1,),
    ),
    "a difference of one mask": (
        """def f(z, b):
    t = np.full(2, 0.986)
    t[-2] -= b
    u = t
    u[...] = t - t
    return u.min()
""",
        (1, 0.349),
        (1,),
    ),
    "a kept array that some rounds leave unbound": (
        """def f(c, b):
    q = 0
    while True:
        q += 1
        if q > 2:
            break
        for t in c:
            for k in range(2):
                c[q % 3][b:] += t[0]
                if b > 1:
                    break
            s = c * t
        c[:2] *= np.tanh(c[2]) + 1
        c = c - c
    return np.sum(c ** 2)
""",
        (np.arange(1.0, 10.0).reshape(3, 3) / 7, 2),
        (0,),
    ),
    "an entry of a list that is written out": (
        """def f(total, y, r, b):
    def c(p):
        total[total > 0.3] *= 0.3
    v = c(b)
    u = [3]
    for out in range(3, 0, 1):
        total[out] += total * u[r]
    def t(q, z):
        return np.sum(q)
    return t(total, np)
""",
        (np.array([-1.39, -0.756, -0.161]), np.array(-1.231), 0, np.array([-0.185])),
        (0,),
    ),
}
REFUSED: dict[str, tuple[str, tuple, tuple[int, ...], str]] = {
    "a constant of the module behind a branch": (
        """C0 = np.array([0.38, 0.069])

def f(x):
    if np.any(C0 > 0.5):
        pass
    else:
        p = C0
    for b in [p]:
        b[-2] -= x
    return p
""",
        (0.7,),
        (0,),
        "'C0' is written to, which is outside",
    ),
    "an array or a number, written to under another name": (
        """def f(a, c):
    if c > 0:
        u = np.where(0.5, a, a)
    else:
        u = a * 1.0
    v = u
    v *= 2.0
    return u + v
""",
        (0.7, 0.3),
        (0,),
        "'u' may or may not share memory",
    ),
    "an array of the sum of what may be nothing": (
        """def f(c):
    a = []
    for k in range(3):
        if c < 0:
            continue
        a.append(c)
    r = np.full(2, sum(a))
    r[1] += c
    return c + np.sum(r)
""",
        (-0.321,),
        (0,),
        "whether this array holds integers",
    ),
    "an array of an integer or a float": (
        """def f(q, c):
    r = np.full(1, 1 if q > 0 else c)
    p = np.ravel(r)
    p[-1] += c
    return 1.5 + np.sum(r)
""",
        (0.37, -1.482),
        (1,),
        "whether this array holds integers",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_is_right(name):
    text, args, argnums = RIGHT[name]
    for loss in (False, True):
        outcome = check(Program(HEAD + text, args, argnums, loss, writes=True))
        assert outcome in ("ok", "skipped: the result is not one number")


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name):
    text, args, argnums, why = REFUSED[name]
    outcome = check(Program(HEAD + text, args, argnums, loss=False, writes=True))
    assert outcome.startswith("refused") and why in outcome
