#!/usr/bin/env python3
"""Computes with scikit-learn what the probes of runtime/trace/lens compute in Go, and writes probe.json beside itself.

    pip install numpy scikit-learn
    python3 probe.py

Pictures are in folds by the order in which they first appear among the records that tell a target. Each fold is predicted by a ridge regression on the
other four, whose penalty is the one that predicted the next fold best when fitted on the remaining three. Features are standardized by the fitted records alone.
A record weighs 1 over the records of its picture.
"""
import json, os
import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

PENALTIES, FOLDS = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10], 5


def explained(x, y, picture):
    known = ~np.isnan(y)
    x, y, picture = x[known], y[known], picture[known]
    order = {p: i for i, p in enumerate(dict.fromkeys(picture.tolist()))}
    fold = np.array([order[p] % FOLDS for p in picture.tolist()])
    weight = 1 / np.array([(picture == p).sum() for p in picture])

    def error(train, on, penalty):
        scale = StandardScaler().fit(x[train], sample_weight=weight[train])
        ridge = Ridge(alpha=penalty * weight[train].sum(), solver="cholesky").fit(scale.transform(x[train]), y[train], sample_weight=weight[train])
        return float((weight[on] * (ridge.predict(scale.transform(x[on])) - y[on]) ** 2).sum())

    residual = 0
    for f in range(FOLDS):
        check = (f + 1) % FOLDS
        errors = [error((fold != f) & (fold != check), fold == check, p) for p in PENALTIES]
        residual += error(fold != f, fold == f, PENALTIES[int(np.argmin(errors))])
    mean = (weight * y).sum() / weight.sum()
    return 1 - residual / float((weight * (y - mean) ** 2).sum())


def main():
    rng = np.random.default_rng(5)
    cases = []
    for pictures, cols, copies in ((12, 3, 0), (40, 8, 15), (23, 30, 9), (60, 5, 60)):
        x = rng.normal(size=(pictures, cols)) * 10.0 ** rng.integers(-2, 3, cols) + rng.normal(size=cols) * 5
        x[:, -1] = 4
        picture = np.concatenate([np.arange(pictures), rng.integers(0, pictures, copies)])
        rng.shuffle(picture)
        x = x[picture].astype(np.float32)
        z = (x - x.mean(0)) / np.maximum(x.std(0), 1e-9)
        y = np.stack([z[:, 0] + 0.3 * rng.normal(size=len(x)), 1000 * rng.normal(size=len(x)), z[:, 1] - z[:, 0] + rng.normal(size=len(x))], 1)
        y[rng.random(len(x)) < 0.1, 2] = np.nan
        cases.append(dict(x=x.tolist(), y=[[None if np.isnan(v) else v for v in row] for row in y.tolist()], picture=picture.tolist(),
                          explained=[explained(x.astype(np.float64), y[:, t], picture) for t in range(3)]))
        print(cases[-1]["explained"])
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.json"), "w") as f:
        json.dump(cases, f)
        f.write("\n")


if __name__ == "__main__":
    main()
