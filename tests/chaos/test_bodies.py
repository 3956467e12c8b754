"""The bodies of R2's answers are cut midway, again and again: reads go on where they were cut, inside
the same upload."""

import random
import secrets
import unittest

from gate import DOWN, UP
from scenario import PATIENCE_S, Scenario, figure, size

CUTS = size("CHAOS_CUTS", 12)
SEED = size("CHAOS_SEED", random.randrange(10**6))
LARGE_BYTES = 2_000_000  # Many times what is held of it at once.


class CutBodies(Scenario):
    # Slow enough for uploads to be under way at any moment.
    sandbox_options = ("--telegram-bytes-per-second", "4000000", "--telegram-latency-ms", "30")

    def content(self):
        """Three small ones, then a large one."""
        self.made += 1
        return secrets.token_bytes(300 if self.made % 4 else LARGE_BYTES)

    def test_every_media_gets_ready_with_one_upload(self):
        chance = random.Random(SEED)
        self.made = 0
        self.start_instances()
        load = self.start_load(rate=size("CHAOS_BODY_RATE", 8), make_content=self.content)
        self.wait_for_ready(8)
        for number in range(CUTS):
            # Requests are small, and so are their parts that may pass.
            direction, most = (UP, 2_000) if number % 4 == 3 else (DOWN, LARGE_BYTES)
            self.gates["r2"].cut_after(chance.randrange(most), direction)
            self.assertTrue(self.gates["r2"].wait_for_cut(PATIENCE_S), "nothing more to cut")
        self.gates["r2"].open()
        published = load.stop()
        self.audit(published)

        contents = {sent["file_id"]: sent["sha256"] for sent in self.received()}
        for row in self.rows():
            self.assertEqual(contents[row["file_id"]], row["sha256"])
        self.assertEqual(self.duplicates(), 0)
        self.assertEqual(self.sandbox_stats()["telegram"]["aborted_uploads"], 0)
        resumed = sum(
            self.metrics(instance).get('prewarm_retries_total{reason="r2_read"}', 0)
            for instance in self.instances
        )
        self.assertGreater(resumed, 0)
        figure(
            f"R2's answers cut {CUTS} times (seed {SEED}): {len(published)} media of 300 B and 2 MB "
            f"ready with one upload each, {resumed:.0f} reads resumed, no attempt burnt"
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
