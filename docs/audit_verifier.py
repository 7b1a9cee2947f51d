#!/usr/bin/env python3
"""Checks an audit directory of loupe without loupe: every hash, signature and kept file. Python's standard library is all it needs.

    python3 audit_verifier.py DIR [PUBLIC-KEY-FILE]      the keys beside the log are taken where none is given

docs/audit.md specifies what is checked. It does not replay decisions: `loupe verify` does.
"""
import base64, glob, hashlib, json, os, struct, sys

sha = lambda b: hashlib.sha256(b).digest()

# Ed25519 as RFC 8032 has it (section 6, shortened to verification).
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
G_Y = 4 * pow(5, P - 2, P) % P


def recover_x(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - x2) % P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    return P - x if x & 1 != sign else x


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def mul(s, p):
    q = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = add(q, p)
        p, s = add(p, p), s >> 1
    return q


def point(b):
    y = int.from_bytes(b, "little")
    x = recover_x(y & (1 << 255) - 1, y >> 255)
    y &= (1 << 255) - 1
    return x, y, 1, x * y % P


def ed25519(public, message, signature):
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    g = (recover_x(G_Y, 0), G_Y, 1, recover_x(G_Y, 0) * G_Y % P)
    x, y = mul(s, g), add(r, mul(h, a))
    return s < L and (x[0] * y[2] - y[0] * x[2]) % P == 0 and (x[1] * y[2] - y[1] * x[2]) % P == 0


def key(line):
    name, number, text = line.strip().split("+", 2)
    raw = base64.b64decode(text)
    assert raw[0] == 1 and sha(name.encode() + b"\n" + raw)[:4].hex() == number, "a public key does not fit its number"
    return f"{name}+{number}", raw[1:]


def root_of(leaves):
    """The root of a Merkle tree (RFC 6962), from a stack of whole subtrees."""
    stack = []
    for n, leaf in enumerate(leaves, 1):
        stack.append(leaf)
        while n % 2 == 0:
            right, left = stack.pop(), stack.pop()
            stack.append(sha(b"\1" + left + right))
            n //= 2
    if not stack:
        return sha(b"")
    root = stack.pop()
    while stack:
        root = sha(b"\1" + stack.pop() + root)
    return root


def entries(log, size):
    for n in range((size + 255) // 256):
        w = min(256, size - 256 * n)
        path = f"{n % 1000:03d}"
        rest = n // 1000
        while rest:
            path, rest = f"x{rest % 1000:03d}/" + path, rest // 1000
        base = os.path.join(log, "tile", "entries", *path.split("/"))
        data = open(base if w == 256 or not os.path.exists(f"{base}.p/{w}") else f"{base}.p/{w}", "rb").read()
        for _ in range(w):
            k = struct.unpack(">H", data[:2])[0]
            yield data[2:2 + k]
            data = data[2 + k:]


def main(root, trusted=None):
    log = os.path.join(root, "log")
    files = [trusted] if trusted else glob.glob(os.path.join(root, "keys", "*.key.pub"))
    keys = dict(key(l) for f in files for l in open(f) if l.strip() and not l.startswith("#"))
    signed = open(os.path.join(log, "checkpoint"), encoding="utf-8").read()
    text, signatures = signed.split("\n\n", 1)
    origin, size, want = text.split("\n")[:3]
    good = False
    for line in signatures.strip().split("\n"):
        _, name, blob = line.split(" ")
        raw = base64.b64decode(blob)
        known = keys.get(f"{name}+{raw[:4].hex()}")
        if known:
            assert ed25519(known, (text + "\n").encode(), raw[4:]), "the checkpoint's signature does not hold"
            good = True
    assert good, "no known key signed the checkpoint"
    leaves, previous, valid, named, gone = [], "", None, {}, {}
    for n, entry in enumerate(entries(log, int(size))):
        leaves.append(sha(b"\0" + entry))
        e = json.loads(entry)
        payload, sig = base64.b64decode(e["payload"]), e["signatures"][0]
        kind = e["payloadType"].encode()
        pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        assert valid is None or sig["keyid"] in valid, f"entry {n} is signed by a key that was not valid"
        if valid is None:
            valid = {sig["keyid"]}
        assert ed25519(keys[sig["keyid"]], pae, base64.b64decode(sig["sig"])), f"entry {n}: its signature does not hold"
        s = json.loads(payload)
        p, kind = s["predicate"], s["predicateType"].split("#")[1]
        assert p["sequence"] == n and p["previous"] == previous, f"entry {n} is out of order"
        previous = sha(entry).hex()
        if kind == "key-v1":
            if p.get("adds"):
                k, raw = key(p["adds"])
                keys[k] = raw
                valid.add(k)
            valid.discard(p.get("retires"))
        if kind == "redaction-v1":
            gone.update((d, n) for d in p["files"])
        if kind == "decision-v1":
            for part in (p["model"], p.get("adapter"), p.get("head")):
                if part:
                    named[part["manifest"]] = n
            for d in (p["where"], p["asked"], p["blocks"], p.get("answered")):
                if d:
                    named[d] = n
            named.update((f["bytes"], n) for source in p["sources"] or [] for f in source["files"])
            named.update((x["kept"], n) for x in p.get("explained", []))
    assert base64.b64encode(root_of(leaves)).decode() == want, "the entries do not give the checkpoint's root"
    for d, n in named.items():
        path = os.path.join(root, "kept", d[:2], d)
        if os.path.exists(path):
            assert sha(open(path, "rb").read()).hex() == d, f"kept file {d} of entry {n} was changed"
        else:
            assert d in gone, f"kept file {d} of entry {n} is missing, and was not redacted"
    print(f"{origin}: {size} entries, {len(named)} kept files, all as they were signed")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (AssertionError, ValueError, KeyError, OSError) as e:
        sys.exit(f"does not hold: {e}")
