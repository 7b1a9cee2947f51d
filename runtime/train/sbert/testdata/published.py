"""Writes what sentence-transformers says of some texts with a published encoder, for TestPublished.

    python published.py DIR EXPECTED.json
    LOUPE_SBERT=DIR,EXPECTED.json go test -run TestPublished ./runtime/train/sbert
"""

import json
import sys

from sentence_transformers import SentenceTransformer

TEXTS = ["", "The vivid canvas holds a warm palette.", "A luminous painting balances colour.", "Crowded composition, uneven brushwork!", "portrait",
         "Ünïcode façade 画家 — “naïve” café №5", "The composition leads the eye from the heavy left edge across a diagonal of light; the texture is dry. " * 12,
         "x " * 400, "$3.00 + 20% <b>bold</b> a|b^c ~ `code`", "ΕΛΛΑΣ ελλάς İstanbul Straße", "😀👨‍👩‍👧 emoji", "東京 かな カナ 한국어"]

e = SentenceTransformer(sys.argv[1], device="cpu")
json.dump([{"text": t, "embedding": e.encode([t])[0].tolist()} for t in TEXTS], open(sys.argv[2], "w"), ensure_ascii=False)
