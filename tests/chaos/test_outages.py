"""A dependency goes away under load and comes back: work goes on by itself, and nobody's media has
paid for it with an attempt."""

import json
import pathlib
import secrets
import signal
import time
import unittest

from outage import OUTAGE_S, Outage
from scenario import Scenario, figure


class Outages(Outage):
    def test_rabbitmq_away(self):
        self.outage("rabbitmq")

    def test_postgres_away(self):
        self.outage("postgres")

    def test_redis_away(self):
        self.outage("redis")

    def test_r2_away(self):
        self.outage("r2")

    def test_telegram_away(self):
        self.outage("telegram")

    def test_postgres_and_redis_away(self):
        self.outage("postgres", "redis")


class WrongCredentials(Scenario):
    def wait_for_alert(self, name):
        alert = f'prewarm_breaker_open{{name="{name}"}}'
        self.until(
            lambda: all(self.metrics(instance).get(alert) == 1 for instance in self.instances),
            f"{alert} on every instance", patience_s=20,
        )  # fmt: skip


class WrongR2Secret(WrongCredentials):
    def test_nothing_is_dead_lettered_and_it_goes_on_when_corrected(self):
        locked = self.start_sandbox("--secret-access-key", "another-secret")
        right = self.env["R2_ENDPOINT"]
        self.gates["r2"].retarget(locked)
        self.start_instances()
        load = self.start_load()
        with self.subTest("alert"):
            self.wait_for_alert("r2")
        time.sleep(OUTAGE_S)
        self.assertEqual(self.received(), [])
        self.gates["r2"].retarget(right)
        corrected = time.time()
        self.wait_for_ready(1)
        figure(f"R2 secret corrected: the first media ready after {time.time() - corrected:.1f} s")
        self.audit(load.stop())


class RevokedToken(WrongCredentials):
    """Two bots, of which one has a token that Telegram does not know any more."""

    def setUp(self):
        super().setUp()
        self.other_bot = f"bot-{secrets.token_hex(4)}"
        other_token = f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_hex(18)}"[:46]
        self.bots = {
            self.bot: {"token": self.token, "storage_chats": [-1001]},
            self.other_bot: {"token": other_token, "storage_chats": [-1002]},
        }
        known = pathlib.Path(self.folder) / "known-to-telegram.json"
        known.write_text(json.dumps(self.bots))
        self.sandbox_url = self.start_sandbox("--bots", known, *self.sandbox_options)
        self.gates["telegram"].retarget(self.sandbox_url)

    def write_bots(self, bots):
        pathlib.Path(self.env["PREWARM_BOTS_FILE"]).write_text(json.dumps(bots))

    def test_the_bot_rests_others_go_on_and_a_new_token_wakes_it(self):
        revoked = {**self.bots[self.bot], "token": f"{self.token.split(':')[0]}:{'x' * 35}"}
        self.write_bots({**self.bots, self.bot: revoked})
        self.start_instances()
        resting, working = self.start_load(rate=10), self.start_load(rate=10, bot=self.other_bot)
        with self.subTest("alert"):
            self.wait_for_alert(f"bot:{self.bot}")
        time.sleep(OUTAGE_S)
        of_working = working.stop()
        self.wait_until_settled(of_working)
        at_rest = [row for row in self.rows() if row["bot_slug"] == self.bot]
        self.assertEqual({row["status"] for row in at_rest}, {"warming"}, self.summary())
        self.assertTrue(any(row["next_retry_at"] for row in at_rest), "its jobs are parked")

        self.write_bots(self.bots)
        for instance in self.instances:
            instance.send(signal.SIGHUP)
        corrected = time.time()
        self.wait_for_ready(1, bot=self.bot)
        figure(f"token corrected: the first media ready after {time.time() - corrected:.1f} s")
        self.audit({**of_working, **resting.stop()})


if __name__ == "__main__":
    unittest.main(verbosity=2)
