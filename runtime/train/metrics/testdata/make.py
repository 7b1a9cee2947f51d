"""Writes expected.json: data sets and what scipy, scikit-learn and pingouin say of them.

    pip install scipy scikit-learn pingouin irrCAC
    python make.py

Made with numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1, pingouin 0.7.0, irrCAC 0.4.4. Intervals are numpy.quantile over resamples
drawn by Go's PCG (DXSM output), which is written out here. null is what the package calls undefined: where the library
gives NaN or refuses, and R2 of equal true scores, for which scikit-learn gives 1 or 0.
"""

import fractions
import json
import math
import pathlib
import warnings

import numpy as np
import pandas as pd
import pingouin
import scipy.stats
import sklearn.metrics

warnings.simplefilter("ignore")
MASK = (1 << 128) - 1
STREAM = 0x6D657472696373


def pcg(seed):
    """math/rand/v2.PCG: a 128-bit congruential step, then DXSM ("double xorshift multiply") of the new state."""
    state, cheap = seed << 64 | STREAM, 0xDA942042E4DD58B5
    while True:
        state = (state * (2549297995355413924 << 64 | 4865540595714422341)
                 + (6364136223846793005 << 64 | 1442695040888963407)) & MASK
        hi, lo = state >> 64, state & (1 << 64) - 1
        hi ^= hi >> 32
        hi = hi * cheap & (1 << 64) - 1
        hi ^= hi >> 48
        yield hi * (lo | 1) & (1 << 64) - 1


def anova(t, p):
    """ICC(2,1) from the sums of squares as Shrout and Fleiss (1979) define it."""
    n, k, x = len(t), 2, np.stack([t, p], 1)
    grand, rows, cols = x.mean(), x.mean(1), x.mean(0)
    msr = k * ((rows - grand) ** 2).sum() / (n - 1)
    msc = n * ((cols - grand) ** 2).sum() / (k - 1)
    mse = ((x - rows[:, None] - cols + grand) ** 2).sum() / ((n - 1) * (k - 1))
    below = msr + (k - 1) * mse + k * (msc - mse) / n
    return (msr - mse) / below if below else math.nan


def icc_pingouin(t, p):
    n = len(t)
    f = pd.DataFrame({"picture": [*range(n)] * 2, "rater": ["t"] * n + ["p"] * n, "score": [*t, *p]})
    r = pingouin.intraclass_corr(f, targets="picture", raters="rater", ratings="score").set_index("Type")
    return float(r.loc["ICC(A,1)", "ICC"])


def step_of(t):
    """The largest of these that all scores are multiples of; 0 where none is."""
    for parts in (1, 2, 4, 5, 10, 20, 50, 100, 200, 500, 1000):
        if all(abs(fractions.Fraction(str(x)) * parts % 1) == 0 for x in t):
            return 1 / parts
    return 0


def kappa(t, p, step):
    if step == 0:  # no classes: Lin's concordance correlation
        below = t.var() + p.var() + (t.mean() - p.mean()) ** 2
        return 2 * ((t - t.mean()) * (p - p.mean())).mean() / below if below else math.nan
    t, p = np.rint(t / step).astype(int), np.rint(p / step).astype(int)
    return sklearn.metrics.cohen_kappa_score(t, p, weights="quadratic", labels=np.arange(min(*t, *p), max(*t, *p) + 1))


def statistics(t, p, d):
    few = len(t) < 2
    mean = t.mean() if d["train_mean"] is None else d["train_mean"]
    out = {
        "pearson": math.nan if few else scipy.stats.pearsonr(t, p).statistic,
        "spearman": math.nan if few else scipy.stats.spearmanr(t, p).statistic,
        "mae": sklearn.metrics.mean_absolute_error(t, p),
        "rmse": sklearn.metrics.root_mean_squared_error(t, p),
        "r2": math.nan if few or np.ptp(t) == 0 else sklearn.metrics.r2_score(t, p),
        "qwk": kappa(t, p, d["step"]),
        "icc": math.nan if few else anova(t, p),
        "baseline_mae": sklearn.metrics.mean_absolute_error(t, np.full_like(t, mean)),
    }
    return {k: None if not math.isfinite(v) else float(v) for k, v in out.items()}


def calibration(t, p, bins=5):
    """Count, mean predicted and mean true score of each bin that holds pairs."""
    count, edges = np.histogram(p, bins)
    sums = [np.histogram(p, edges, weights=w)[0] for w in (p, t)]
    return [[int(c), a / c, b / c] for c, a, b in zip(count, *sums) if c]


def expect(d):
    t, p = np.array(d["truth"], float), np.array(d["predicted"], float)
    d["step"] = d["asked"] or step_of(d["truth"])
    whole, parts, draw = statistics(t, p, d), [], pcg(d["seed"])
    groups = [np.flatnonzero(np.array(d["group"]) == g) for g in range(max(d["group"]) + 1)] if d["group"] else [[i] for i in range(len(t))]
    if len(t) >= 5 and np.ptp(t) > 0 and np.ptp(p) > 0 and not np.array_equal(t, p):
        assert math.isclose(whole["icc"], icc_pingouin(t, p), rel_tol=1e-9, abs_tol=1e-12), d["name"]
    for _ in range(d["resamples"]):
        index = np.concatenate([groups[next(draw) * len(groups) >> 64] for _ in groups])
        parts.append(statistics(t[index], p[index], d))
    want = {}
    for name, value in whole.items():
        seen = [r[name] for r in parts if r[name] is not None]
        low, high = np.quantile(seen, [0.025, 0.975]) if value is not None and seen else (None, None)
        want[name] = {"value": value, "low": low, "high": high,
                      "undefined": 0 if value is None else len(parts) - len(seen)}
    return d | {"want": want, "bins": calibration(t, p)}


def one_way(ratings):
    """ICC(1,1) from the sums of squares, with Donner's mean number of ratings."""
    k, n, x = len(ratings), sum(map(len, ratings)), np.concatenate(ratings)
    between = sum(len(r) * (np.mean(r) - x.mean()) ** 2 for r in ratings) / (k - 1)
    within = sum(((np.array(r) - np.mean(r)) ** 2).sum() for r in ratings) / (n - k)
    each = (n - sum(len(r) ** 2 for r in ratings) / n) / (k - 1)
    return (between - within) / (between + (each - 1) * within)


def fleiss(ratings):
    """Gwet's extension of Fleiss's kappa with quadratic weights, from the matrix of categories (irrCAC's formula)."""
    categories = sorted({v for r in ratings for v in r})
    counts = np.array([[list(r).count(c) for c in categories] for r in ratings], float)
    c = np.array(categories, float)
    weights = 1 - (c[:, None] - c) ** 2 / (c[-1] - c[0]) ** 2
    n = counts.sum(1)
    agree = ((counts * (counts @ weights - 1)).sum(1) / (n * (n - 1))).mean()
    part = (counts / n[:, None]).mean(0)
    chance = (weights * np.outer(part, part)).sum()
    return (agree - chance) / (1 - chance)


def raters():
    g = np.random.default_rng(11)
    for name, sizes, step in [("three each", [3] * 20, 1), ("different numbers", [2, 3, 5, 1, 2, 4, 2, 1, 3, 2], 0.5), ("two each, apart", [2] * 6, 1)]:
        of = [np.round((g.uniform(1, 9) + g.normal(0, 1.2, n)) / step) * step for n in sizes]
        some = [r for r in of if len(r) > 1]
        icc, kappa = one_way(some), fleiss(some)
        if len(set(sizes)) == 1:
            f = pd.DataFrame([(i, j, v) for i, r in enumerate(some) for j, v in enumerate(r)], columns=["picture", "rater", "score"])
            r = pingouin.intraclass_corr(f, targets="picture", raters="rater", ratings="score").set_index("Type")
            assert math.isclose(icc, r["ICC"][[k for k in r.index if k in ("ICC1", "ICC(1,1)")][0]], rel_tol=1e-9)
        try:
            from irrCAC.raw import CAC
        except ImportError:
            pass  # it wants an older numpy: run with one to check
        else:
            wide = pd.DataFrame([list(r) + [np.nan] * (max(sizes) - len(r)) for r in some])
            assert abs(kappa - CAC(wide, weights="quadratic").fleiss()["est"]["coefficient_value"]) < 1e-4, name
        yield {"name": name, "ratings": [[float(v) for v in r] for r in of], "icc": icc, "kappa": kappa}


def data(name, truth, predicted, asked=0, group=None, train_mean=None, resamples=200, seed=1):
    return {"name": name, "truth": [float(x) for x in truth], "predicted": [float(x) for x in predicted],
            "asked": asked, "group": group, "train_mean": train_mean, "resamples": resamples, "seed": seed}


def sets():
    g = np.random.default_rng(20240917)
    t = g.integers(1, 101, 120)
    yield data("paintings", t, np.round(t * 0.7 + 15 + g.normal(0, 9, 120), 3), resamples=2000, seed=7)
    t = g.integers(1, 6, 60)
    yield data("many ties", t, np.clip(t + g.integers(-1, 2, 60), 1, 5))
    yield data("unrelated", np.round(g.uniform(0, 10, 25), 2), np.round(g.uniform(0, 10, 25), 2), seed=2**63 + 5)
    yield data("halves and beyond the range", [0.5, 1.5, 2.5, 3.5, 4.5, -0.5, 9, 7.49], [1.5, 2.5, 0.5, 3, 12, -4, 9.5, 6.5])
    yield data("a step of 2", [1, 2, 3, 4, 5, 6], [2, 2, 4, 4, 6, 5], 2)
    yield data("negative scores", [-30, -12, 0, 4, 17], [-22, -15, 3, 1, 30])
    t = np.round(g.normal(0, 1, 30), 6)
    yield data("large offset", 1e6 + t, 1e6 + np.round(t + g.normal(0, 0.5, 30), 6))
    yield data("an outlier", [1, 2, 3, 4, 5, 6, 7, 1000], [2, 1, 4, 3, 6, 5, 8, 900])
    yield data("reversed", range(1, 11), range(10, 0, -1))
    yield data("perfect", range(1, 11), range(1, 11))
    yield data("shifted", range(1, 11), range(4, 14))
    yield data("training mean", [40, 52, 61, 77, 80, 93], [45, 50, 66, 70, 85, 90], train_mean=55.25)
    yield data("equal truth", [55] * 6, [50, 52, 54, 56, 58, 60])
    yield data("equal predicted", [50, 52, 54, 56, 58, 61], [55] * 6)
    yield data("both equal, apart", [55] * 5, [60] * 5)
    yield data("all one score", [55] * 5, [55] * 5)
    yield data("one pair", [70], [64])
    yield data("two pairs", [70, 30], [64, 41])
    yield data("two pairs, swapped", [0, 1], [1, 0])
    yield data("three pairs, a tie", [3, 3, 9], [1, 5, 5])
    t = g.integers(2, 19, 40) / 2
    yield data("half marks", t, np.clip(t + g.normal(0, 0.6, 40), 1, 9))
    yield data("tenths", np.round(g.uniform(0, 1, 30), 1), np.round(g.uniform(0, 1, 30), 4))
    yield data("thirds", np.round(g.integers(3, 30, 24) / 3, 9), np.round(g.uniform(1, 10, 24), 5))
    yield data("unit scores of three digits", np.round(g.uniform(0, 1, 30), 3), np.round(g.uniform(0, 1, 30), 5))
    group = [0, 0, 0, 1, 2, 2, 3, 1, 4, 4, 4, 4, 5, 6, 7, 7]
    t = g.integers(1, 8, 8)[group] + g.integers(-1, 2, 16)
    yield data("pictures of several ratings", t, np.round(t + g.normal(0, 1, 16), 3), group=group)


rows = ",\n".join(json.dumps(expect(d)) for d in sets())
pathlib.Path(__file__).with_name("expected.json").write_text(f"[\n{rows}\n]\n")
rows = ",\n".join(json.dumps(d) for d in raters())
pathlib.Path(__file__).with_name("raters.json").write_text(f"[\n{rows}\n]\n")
