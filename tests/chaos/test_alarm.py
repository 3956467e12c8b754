"""RabbitMQ is there and does not work: it takes nothing because it is short of memory, or it stands
still and says nothing of it."""

import contextlib
import json
import secrets
import signal
import time
import unittest

from load import ObjectStore
from outage import OUTAGE_S
from scenario import Scenario, figure
from servers import PrivateStack

BACKLOG = 300


class OwnBroker(Scenario):
    def surroundings(self):
        self.stack = PrivateStack()
        self.addCleanup(self.stack.down)
        return self.stack.environment()

    def of_each(self, metric):
        """{pid: value} of all instances."""
        return {one.pid: self.metrics(one).get(metric, 0) for one in self.instances}

    def ready_of_each(self):
        return self.of_each('prewarm_jobs_total{kind="document",outcome="ready"}')

    def statuses(self, path):
        return {self.http(instance, path)[0] for instance in self.instances}

    def told_ready(self):
        return [one for one in self.announcements.all() if one.ready]

    def assert_nothing_was_given_back(self):
        """A quorum queue counts it, and dead-letters what comes too often."""
        self.assertEqual(self.redelivered(), 0, "deliveries were given back")


class MemoryAlarm(OwnBroker):
    """In an alarm RabbitMQ reads nothing from a connection that publishes. There is more work than
    the instances can hold, so that each has something to announce, and deliveries at hand."""

    sandbox_options = ("--telegram-latency-ms", "300")
    consumer_settings = {**Scenario.consumer_settings, "MEDIA_PREWARM_CONCURRENCY": "2"}
    breaker = 'prewarm_breaker_open{name="rabbitmq"}'

    def publish_backlog(self):
        published = {}
        with (
            contextlib.closing(ObjectStore()) as objects,
            contextlib.closing(self.publisher()) as publisher,
        ):
            for _ in range(BACKLOG):
                key = f"chaos/{secrets.token_hex(8)}"
                digest = objects.put(key, secrets.token_bytes(300))
                event = self.event(key, digest)
                publisher.publish(json.dumps(event).encode())
                published[event["eventId"]] = digest
        return published

    def test_work_stops_and_goes_on_when_the_alarm_is_over(self):
        backlog = self.publish_backlog()
        self.start_instances()
        load = self.start_load(rate=5)
        self.wait_for_ready(10)
        self.stack.rabbitmqctl("set_vm_memory_high_watermark", "absolute", "40MB")
        self.until(lambda: set(self.of_each(self.breaker).values()) == {1}, "breakers that open")
        self.assertEqual(self.statuses("/readyz"), {503})
        at_hand = self.of_each("prewarm_deliveries_buffered")
        self.assertTrue(all(at_hand.values()), at_hand)

        time.sleep(OUTAGE_S)
        self.assertEqual(set(self.of_each(self.breaker).values()), {1})
        self.assertEqual(self.statuses("/readyz"), {503})
        self.assertEqual(self.statuses("/healthz"), {200}, "a restart would not help")
        if OUTAGE_S < 50:  # What is held for a minute is parked.
            self.assertEqual(self.of_each("prewarm_deliveries_buffered"), at_hand)
        told = len(self.told_ready())

        over = time.time()
        self.stack.rabbitmqctl("set_vm_memory_high_watermark", "absolute", "1GB")
        self.until(lambda: len(self.told_ready()) > told, "an announcement after the alarm")
        resumed_s = self.told_ready()[told].heard_at - over
        self.until(lambda: set(self.of_each(self.breaker).values()) == {0}, "breakers that close")
        self.assertEqual(self.statuses("/readyz"), {200})
        published = {**backlog, **load.stop()}
        self.audit(published)
        self.assertEqual({row["starts"] for row in self.rows()}, {0})
        self.assert_nothing_was_given_back()
        figure(
            f"memory alarm of RabbitMQ for {OUTAGE_S} s: announcing again {resumed_s:.1f} s after "
            f"its end, {len(published)} events all answered after {time.time() - over:.1f} s, "
            f"{self.duplicates()} duplicate uploads, no attempt burnt, no dead letter"
        )


class FrozenBroker(OwnBroker):
    def test_consumers_are_registered_and_progress_after_it_wakes(self):
        # For connections that are made from now on; the longest silence borne is twice this.
        self.stack.rabbitmqctl("eval", "application:set_env(rabbit, heartbeat, 3).")
        self.start_instances()
        for instance in self.instances:
            self.wait_until_serving(instance)
        load = self.start_load()
        self.wait_for_ready(20)
        with self.announcements.untaken():
            self.stack.send("rabbitmq", signal.SIGSTOP)
            time.sleep(OUTAGE_S)
            given_up = [one.pid for one in self.instances if one.events("intake.interrupted")]
            self.stack.send("rabbitmq", signal.SIGCONT)
        woken = time.time()
        self.assertEqual(len(given_up), len(self.instances), "who gave the silent broker up")
        self.until(lambda: self.statuses("/readyz") == {200}, "instances that are ready")
        ready_s = time.time() - woken
        self.until(
            lambda: self.upload_queue().get("consumers") == len(self.instances),
            "as many consumers as instances",
        )
        before = self.ready_of_each()
        self.until(
            lambda: all(count > before[pid] for pid, count in self.ready_of_each().items()),
            "progress of each instance",
        )
        published = load.stop()
        self.audit(published)
        figure(
            f"RabbitMQ frozen for {OUTAGE_S} s: every instance ready {ready_s:.1f} s after it woke, "
            f"registered and progressing; {len(published)} events all answered, "
            f"{self.duplicates()} duplicate uploads, no attempt burnt, no dead letter"
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
