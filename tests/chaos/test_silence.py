"""As in test_outages, but nobody says that the dependency is away: it is silent, or slams the door.

Only for outages longer than what a client waits for an answer: `scripts/chaos`."""

import unittest

from outage import Outage


class Silence(Outage):
    def test_rabbitmq_silent(self):
        self.outage("rabbitmq", fault="stall")

    def test_postgres_silent(self):
        self.outage("postgres", fault="stall")

    def test_redis_silent(self):
        self.outage("redis", fault="stall")

    def test_r2_silent(self):
        self.outage("r2", fault="stall")

    def test_telegram_silent(self):
        self.outage("telegram", fault="stall")

    def test_telegram_resets_connections(self):
        self.outage("telegram", fault="reset")


if __name__ == "__main__":
    unittest.main(verbosity=2)
