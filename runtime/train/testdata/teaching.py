"""Writes teaching.json: ridge regression with whole pictures left out, by scikit-learn, and the pairwise loss, by PyTorch.

    pip install scikit-learn torch
    python teaching.py

Made with numpy 2.4.6, scikit-learn 1.9.1, torch 2.15.0.

Ridge: every picture weighs 1, its records share that; of the penalties each target takes the one of the least squared error
over pictures left out one at a time (LeaveOneGroupOut, a fit for each). The penalty is a part of the mean square of the
features' length about their mean.

Rank: RankNet's loss over the pairs of a step, averaged over the targets that have one, with the square by which outputs are
beyond the range; autograd has the gradient.
"""

import json
import pathlib

import numpy as np
import torch
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut

PARTS = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100]


def ridge(name, x, y, picture):
    counts = np.bincount(picture)
    w = 1 / counts[picture]
    about = x - np.average(x, axis=0, weights=w)
    scale = (w * (about**2).sum(1)).sum() / len(counts)
    out = {"name": name, "x": x.tolist(), "y": y.tolist(), "picture": picture.tolist(), "targets": []}
    for t in range(y.shape[1]):
        best = None
        for part in PARTS:
            square = 0.0
            for keep, leave in LeaveOneGroupOut().split(x, y, picture):
                f = Ridge(alpha=part * scale, solver="svd").fit(x[keep], y[keep, t], sample_weight=w[keep])
                square += (w[leave] * (y[leave, t] - f.predict(x[leave])) ** 2).sum()
            left = square / len(counts)
            if best is None or left < best[0]:
                best = left, part * scale
        f = Ridge(alpha=best[1], solver="svd").fit(x, y[:, t], sample_weight=w)
        out["targets"].append({"penalty": best[1], "left": best[0], "weight": f.coef_.tolist(), "bias": float(f.intercept_)})
    return out


def ridges():
    g = np.random.default_rng(5)
    for name, counts, d in [("a record a picture", [1] * 20, 6), ("three raters", [3] * 12, 30), ("more records than features", [3, 1, 2, 4, 1, 1, 2, 3, 5, 1], 5),
                            ("copies of some", [1, 1, 4, 1, 2, 1, 1, 1], 24)]:
        picture = np.repeat(np.arange(len(counts)), counts)
        x = g.normal(2, 1, (len(counts), d))
        y = np.stack([x @ g.normal(0, 1, d) + g.normal(0, 0.5, len(counts)), 1000 * g.normal(0, 1, len(counts))], 1)
        x, y = x[picture], y[picture] + g.normal(0, 0.3, (len(picture), 2))
        if name == "more records than features":
            x = x + g.normal(0, 0.1, x.shape)  # one picture, asked differently
        order = g.permutation(len(picture))
        yield ridge(name, np.round(x, 6)[order], np.round(y, 6)[order], np.unique(picture[order], return_inverse=True)[1])


def rank():
    z = torch.tensor([[0.3, 1.0, 4.0], [-0.7, 2.0, -0.5], [1.1, -3.0, 0.0], [0.25, 0.5, 9.0], [2.6, 0.1, -1.0]], requires_grad=True)
    wanted = [[1, 2, 0], [2, 2, 0], [-1, 0, 0], [0, 9, 0], [3, 1, 0]]
    present = [[True, True, True], [True, True, True], [True, False, True], [True, True, False], [True, True, True]]
    low, high = [-2.0, -1.5, -1.0], [2.0, 1.5, 1.0]
    losses, ranges = [], []
    for t in range(3):
        have = [i for i in range(5) if present[i][t]]
        pairs = [(i, j) for i in have for j in have if wanted[i][t] > wanted[j][t]]
        if not pairs:
            continue
        loss = torch.stack([torch.nn.functional.softplus(z[j, t] - z[i, t]) for i, j in pairs]).mean()
        beyond = torch.relu(z[have, t] - high[t]) + torch.relu(low[t] - z[have, t])
        losses.append(loss)
        ranges.append((beyond**2).mean())
    beyond = torch.stack(ranges).mean()
    loss = torch.stack(losses).mean() + beyond
    loss.backward()
    return {"outputs": z.tolist(), "wanted": wanted, "present": present, "low": low, "high": high, "loss": loss.item(), "beyond": beyond.item(), "grads": z.grad.tolist()}


made = {"ridge": list(ridges()), "rank": rank()}
pathlib.Path(__file__).with_name("teaching.json").write_text(json.dumps(made) + "\n")
