"""Fits logistic regressions to graded answers; the one place that knows how grades become labels.

Needs scikit-learn, so nothing that serves imports this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from policies.logistic import Logistic
from policies.odds import Floats


def fit_estimator(inputs: Any, qualities: Floats, strength: float) -> Any:
    """Fit scikit-learn's LogisticRegression to graded answers; ``strength`` is its C.

    ``inputs`` (n, d), dense or CSR; ``qualities`` (n,) in [0, 1]. A grade q counts as a right answer
    of weight q and a wrong one of weight 1 - q. Two made-up answers at the origin, one right and
    one wrong, keep a tier that was never wrong from certainty (Laplace's rule of succession).
    """
    origin = np.zeros((2, inputs.shape[1]))
    stack: Any = sparse.vstack if sparse.issparse(inputs) else np.vstack
    rows: Any = stack([inputs, inputs, origin])
    labels = np.concatenate([np.ones(len(qualities)), np.zeros(len(qualities)), [1.0, 0.0]])
    weights = np.concatenate([qualities, 1.0 - qualities, [1.0, 1.0]])
    kept = np.flatnonzero(weights > 0.0)
    rows = sparse.csr_matrix(rows)[kept] if sparse.issparse(rows) else rows[kept]
    model = LogisticRegression(C=strength, max_iter=2000)
    return model.fit(rows, labels[kept], sample_weight=weights[kept])


def fit_logistic(inputs: Any, qualities: Floats, strength: float) -> Logistic:
    """Fit as :func:`fit_estimator` does, and keep the weights only."""
    return Logistic.of(fit_estimator(inputs, qualities, strength))
