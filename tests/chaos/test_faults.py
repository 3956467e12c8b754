"""Telegram as it is on a bad day: a sandbox that plays faults of every sort, to a load."""

import json
import secrets
import unittest
import urllib.request

from scenario import Scenario, figure, size

COUNT = size("CHAOS_FAULTY_MEDIA", 300)
LARGE = 400_000  # Streamed, so that it cannot be given again; a small file can.


def rule(name, **more):
    return {"name": name, "side": "telegram", "method": "sendDocument", **more}


class BadDay(Scenario):
    faults = [
        rule("restart", status=500, description="Internal Server Error: restart", fraction=0.04),
        rule("page", status=502, body="<html>502 Bad Gateway</html>", fraction=0.04),
        rule("hidden flood", hidden_429=1, fraction=0.02),
        rule("reset", reset="before", fraction=0.04),
        rule("broken off", reset="middle", fraction=0.04),
        rule("lost answer", lose_answer=True, fraction=0.04),
        rule("lost by a reset", reset="after", fraction=0.04),
        rule("dripping", drip_ms=1, fraction=0.05),
        rule("hanging", hang_ms=500, fraction=0.05),
        rule("kicked", chat=-1001, after=5, times=1, status=403,
             description="Forbidden: bot was kicked from the channel chat"),
    ]  # fmt: skip

    def play(self, rules):
        request = urllib.request.Request(
            f"{self.sandbox_url}/sandbox/faults", json.dumps(rules).encode(), method="PUT"
        )
        with urllib.request.urlopen(request) as answer:
            self.assertEqual(answer.status, 204)

    @staticmethod
    def make_content():
        """Small or large; of the large no two of one size, for Telegram spaces those."""
        large = LARGE + secrets.randbelow(100_000)
        return secrets.token_bytes(secrets.choice([300, 300, large]))

    def test_every_media_gets_ready_and_duplicates_are_counted(self):
        self.play([{**fault, "seed": seed} for seed, fault in enumerate(self.faults)])
        self.start_instances()
        load = self.start_load(make_content=self.make_content)
        self.wait_for_ready(COUNT)
        published = load.stop()
        # Attempts may be burnt: some faults are chance's, and the media's own as far as one knows.
        self.assertEqual(self.audit(published, retries_allowed=True), [])
        played = {one["name"]: one["played"] for one in self.sandbox_stats()["faults"]}
        self.assertGreater(min(played.values()), 0, played)
        figure(
            f"{len(published)} media while Telegram played {sum(played.values())} faults of "
            f"{len(played)} sorts: all ready, {self.duplicates()} duplicate uploads"
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
