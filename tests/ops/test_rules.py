"""Every row against finite differences, at every case; and no row without one."""

import numpy as np
import pytest
from ops.cases import CASES

from srcgrad.ops import registry, tables
from srcgrad.testing import check_rule


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rule(case):
    check_rule(case.function, *case.args, kwargs=case.kwargs, **case.check)
