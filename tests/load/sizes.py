"""Sizes as the media of bots have them: many photos, some documents, few videos."""

import random

# (share, smallest, largest) in bytes; within each, every magnitude is as likely.
CLASSES = ((0.90, 20_000, 250_000), (0.08, 300_000, 2_000_000), (0.02, 3_000_000, 12_000_000))


def realistic(count, seed=20):
    chance = random.Random(seed)
    sizes = []
    for _ in range(count):
        draw = chance.random()
        for share, smallest, largest in CLASSES:
            if draw < share:
                break
            draw -= share
        sizes.append(round(smallest * (largest / smallest) ** chance.random()))
    return sizes
