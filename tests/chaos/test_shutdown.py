"""SIGTERM at a bad moment: the instance ends in time, and another one finishes its work."""

import signal
import time
import unittest

from scenario import Scenario, figure

DRAIN_S = 3
# For machines with much else to do.
GRACE_S = 3
MEDIA = 12  # More than can be at work at once: some are held, some in the queue.


class Shutdown(Scenario):
    def setUp(self):
        super().setUp()
        self.published = {}
        self.instance = self.start_with_drain(DRAIN_S)

    def start_with_drain(self, seconds):
        instance = self.start_instance(MEDIA_PREWARM_DRAIN_MS=str(seconds * 1000))
        self.wait_until_serving(instance)
        return instance

    def wait_for_work(self):
        self.until(
            lambda: self.metrics(self.instance).get("prewarm_jobs_in_flight") == 8, "eight jobs"
        )

    def stop_and_finish(self, what, within_s=DRAIN_S + GRACE_S):
        """All that follows SIGTERM."""
        self.note_duplicates(self.instance)
        self.instance.send(signal.SIGTERM)
        self.finish(what, within_s)

    def finish(self, what, within_s):
        began = time.monotonic()
        status = self.instance.process.wait(timeout=60)
        took_s = time.monotonic() - began
        self.assertEqual(status, 0, self.instance.log()[-3000:])
        self.assertLess(took_s, within_s)
        # What it cut short itself is in nobody's metrics any more.
        log = self.instance.log()
        self.counted_duplicates[self.instance.pid] += log[log.index("service.draining") :].count(
            '"event":"upload.wasted"'
        )
        self.instances.remove(self.instance)
        for gate in self.gates.values():
            gate.open()
        self.start_instance()
        self.audit(self.published)
        self.assertEqual({row["starts"] for row in self.rows()} - {0}, set())
        figure(
            f"SIGTERM {what}, {DRAIN_S} s to drain: exit 0 after {took_s:.1f} s, "
            f"{len(self.published)} events all answered, {self.duplicates()} duplicate uploads"
        )


class SomethingIsAway(Shutdown):
    sandbox_options = ("--telegram-latency-ms", "1000")

    def test_idle(self):
        self.stop_and_finish("while idle", within_s=GRACE_S)

    def test_uploads_that_end_in_time(self):
        self.published = self.publish_some(MEDIA)
        self.wait_for_work()
        self.stop_and_finish("with uploads of 1 s in flight")
        self.assertEqual(self.duplicates(), 0, "what was at work got time to end")

    def test_r2_silent(self):
        self.gates["r2"].stall()
        self.published = self.publish_some(MEDIA)
        self.wait_for_work()
        self.stop_and_finish("with R2 silent")

    def test_postgres_away(self):
        self.published = self.publish_some(MEDIA)
        self.wait_for_work()
        self.gates["postgres"].cut()
        self.stop_and_finish("with PostgreSQL away")

    def test_postgres_silent(self):
        self.published = self.publish_some(MEDIA)
        self.wait_for_work()
        self.gates["postgres"].stall()
        self.stop_and_finish("with PostgreSQL silent")

    def test_redis_away(self):
        self.published = self.publish_some(MEDIA)
        self.wait_for_work()
        self.gates["redis"].cut()
        self.stop_and_finish("with Redis away")

    def test_rabbitmq_away(self):
        self.published = self.publish_some(MEDIA)
        self.wait_for_work()
        self.gates["rabbitmq"].cut()
        self.stop_and_finish("with RabbitMQ away")

    def test_rabbitmq_silent(self):
        self.published = self.publish_some(MEDIA)
        self.wait_for_work()
        self.gates["rabbitmq"].stall()
        self.stop_and_finish("with RabbitMQ silent")


class SlowTelegram(Shutdown):
    sandbox_options = ("--telegram-latency-ms", "7000")

    def test_uploads_that_do_not_end_in_time(self):
        self.published = self.publish_some(MEDIA)
        self.wait_for_work()
        self.until(lambda: self.sandbox_stats()["telegram"]["at_once"]["now"] == 8, "eight uploads")
        self.stop_and_finish("with uploads of 7 s in flight")


class SecondSignal(Shutdown):
    def test_it_stops_at_once(self):
        self.instance.end(signal.SIGKILL)
        self.instances.remove(self.instance)
        self.instance = self.start_with_drain(600)
        self.gates["r2"].stall()
        self.published = self.publish_some(MEDIA)
        self.wait_for_work()
        self.instance.send(signal.SIGTERM)
        self.instance.wait_for_event("service.draining")
        time.sleep(1)
        self.assertIsNone(self.instance.process.poll(), "it drains")
        self.instance.send(signal.SIGTERM)
        self.finish("twice", within_s=GRACE_S)


if __name__ == "__main__":
    unittest.main(verbosity=2)
