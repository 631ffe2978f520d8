#!/usr/bin/env python3
"""Words of five languages as lists of their letters' trigrams and 4-grams, for words.sh: words.py DIR writes DIR/words-train.txt and DIR/words-test.txt.

The word lists are those of Debian's packages wamerican, wngerman, wfrench, wspanish, witalian in /usr/share/dict. Words of 3 to 20 letters, in lower case;
one that stands in several lists has no one answer and is left out. Of each language the first 24,000 in the order of their hash (SHA-256) are taken, a
fifth of them, again by hash, for the test: so a word is always on the same side, and inflected forms of one may be on both. A word is the trigrams
and 4-grams of ^word$. The table has 20,000 rows: row 0 for trigrams that no training word has, one for each of theirs, the others for their most
frequent 4-grams; of 4-grams without a row nothing is kept.
"""
import collections
import hashlib
import os
import sys

LISTS = ["american-english", "ngerman", "french", "spanish", "italian"]
EACH, ROWS = 24000, 20000


def digest(word):
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")


def grams(word, n):
    padded = f"^{word}$"
    return [padded[i:i + n] for i in range(len(padded) - n + 1)]


def main():
    where = sys.argv[1]
    words = [{w for w in (line.strip().lower() for line in open(f"/usr/share/dict/{name}", encoding="utf-8")) if w.isalpha() and 3 <= len(w) <= 20} for name in LISTS]
    lists = collections.Counter(w for language in words for w in language)
    train, test = [], []
    for label, language in enumerate(words):
        for w in sorted((w for w in language if lists[w] == 1), key=digest)[:EACH]:
            (test if digest(f"side {w}") % 5 == 0 else train).append((label, w))
    row = {}
    for n in (3, 4):
        count = collections.Counter(t for _, w in train for t in grams(w, n))
        for t in sorted(count, key=lambda t: (-count[t], t))[:ROWS - 1 - len(row)]:
            row[t] = 1 + len(row)
    for name, side in (("train", train), ("test", test)):
        with open(os.path.join(where, f"words-{name}.txt"), "w", encoding="utf-8") as f:
            f.write(f"# labels: {' '.join(LISTS)}\n")
            for label, w in side:
                tokens = [row.get(t, 0) for t in grams(w, 3)] + [row[t] for t in grams(w, 4) if t in row]
                f.write(f"{label}\t{' '.join(map(str, tokens))}\t# {w}\n")
    print(f"{len(train)} words to train on, {len(test)} for the test, {sum(len(t) == 3 for t in row)} trigrams, {sum(len(t) == 4 for t in row)} 4-grams")


main()
