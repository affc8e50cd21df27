"""How much a function's cost varies between runs of the same program, learned from few runs of many functions.

The count of a function in a run has the mean m and the variance m + φ m², as a negative binomial: m from sampling, φ m²
because runs differ; √φ is the coefficient of variation (CV) between runs. A handful of runs says little about one
function's φ, but hundreds of functions say much about which values occur. So φ lives on a grid, the functions together
tell how often each value of the grid occurs (empirical Bayes, nonparametric maximum likelihood by EM: Robbins 1956,
Laird 1978), and each function gets a posterior over the grid: sharp where its runs speak, the common distribution where
they do not. Shrinking dispersions in this way is what edgeR (Robinson & Smyth 2007) and DESeq2 (Love et al. 2014) do.

Whoever integrates a normal over the posterior gets tails heavier than normal, as Student's t is one; no degrees of
freedom need be counted.
"""

from __future__ import annotations

import numpy as np

from perfdb.stats.normal import F64
from perfdb.stats.sessions import ODD_SPREAD, Session

CVS: F64 = np.exp(np.linspace(np.log(0.008), np.log(0.8), 14))
"""The grid of coefficients of variation between runs, 0.8 to 80 %."""
DISPERSIONS: F64 = CVS**2
USUAL_CV = 0.07
USUAL_FACTOR = 1.0
"""Before any run is seen, a CV is log-normal around the usual one, within a factor e: programs from 1 to 50 %."""
PRIOR_FUNCTIONS = 20.0
"""The first guess weighs as much as so many functions."""


def first_guess() -> F64:
    """How often each dispersion of the grid is expected before any run is seen; shape (grid,), sums to 1."""
    weights = np.exp(-0.5 * ((np.log(CVS) - np.log(USUAL_CV)) / USUAL_FACTOR) ** 2)
    prior: F64 = weights / weights.sum()
    return prior


def log_likelihood(sessions: list[Session]) -> F64:
    """The log-likelihood of every dispersion of the grid, up to a constant; shape (functions, grid).

    From what the runs of a session deviate from their mean, with the one degree of freedom of the mean taken off. A
    run may be odd (see `sessions`), which keeps one odd run from making its functions look noisy.
    """
    functions = sessions[0].means.size
    total = np.zeros((functions, CVS.size))
    for session in sessions:
        runs = len(session.rates)
        if runs < 2:
            continue
        means = np.maximum(session.means, 0.5)
        squares = (session.rates - session.means) ** 2 * (runs / (runs - 1))
        sampling = means / session.factors[:, None]
        for place, dispersion in enumerate(DISPERSIONS):
            usual = sampling + (dispersion + session.doubts.variance) * means**2
            odd = usual + (ODD_SPREAD * means) ** 2
            density = (1 - session.doubts.odd) * np.exp(-0.5 * np.minimum(squares / usual, 600)) / np.sqrt(usual)
            density += session.doubts.odd * np.exp(-0.5 * np.minimum(squares / odd, 600)) / np.sqrt(odd)
            total[:, place] += np.log(density + 1e-300).sum(axis=0) * ((runs - 1) / runs)
    return total


def posterior(likelihood: F64) -> F64:
    """How probable each dispersion is for each function, given all; shape (functions, grid), rows sum to 1."""
    relative = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    guess = first_guess()
    common = guess
    for _ in range(30):
        shares = relative * common
        shares /= shares.sum(axis=1, keepdims=True)
        common = shares.sum(axis=0) + PRIOR_FUNCTIONS * guess
        common = common / common.sum()
    shares = relative * common
    result: F64 = shares / shares.sum(axis=1, keepdims=True)
    return result


def typical(shares: F64) -> F64:
    """The posterior geometric mean of each function's dispersion; shape (functions,)."""
    means: F64 = np.exp(shares @ np.log(DISPERSIONS))
    return means
