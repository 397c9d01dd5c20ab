"""SciPy's special functions, imported when the first is called.

Importing them takes longer than importing the rest of this package.
"""

from collections.abc import Callable
from typing import Any

import scipy


def _when_called(name: str) -> Callable[..., Any]:
    def function(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  whatever SciPy takes
        return getattr(scipy.special, name)(*arguments, **options)

    return function


chdtrc = _when_called("chdtrc")
chdtri = _when_called("chdtri")
digamma = _when_called("digamma")
expit = _when_called("expit")
gammainc = _when_called("gammainc")
gammaincinv = _when_called("gammaincinv")
gammaln = _when_called("gammaln")
logit = _when_called("logit")
log_softmax = _when_called("log_softmax")
logsumexp = _when_called("logsumexp")
ndtr = _when_called("ndtr")
ndtri = _when_called("ndtri")
polygamma = _when_called("polygamma")
stdtr = _when_called("stdtr")
stdtrit = _when_called("stdtrit")
