"""Processes end or stand still at the worst moment: nothing is lost, nothing is told twice."""

import json
import os
import pathlib
import random
import secrets
import signal
import time
import unittest
import urllib.parse

from acceptance import BIN, run, wait_until
from gate import DOWN, UP
from scenario import Scenario, figure, size
from servers import PrivateStack

KILLS = size("CHAOS_KILLS", 10)
SEED = size("CHAOS_SEED", random.randrange(10**6))
BROKER_DOWN_S = size("CHAOS_BROKER_DOWN_S", 3)
UPLOADS = size("CHAOS_UPLOADS", 120)


class RandomKills(Scenario):
    def test_instances_are_killed_at_random_moments(self):
        chance = random.Random(SEED)
        self.start_instances()
        load = self.start_load(rate=size("CHAOS_KILL_RATE", 30))
        self.wait_for_ready(20)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.02, 0.6))
            self.kill(chance.choice(self.instances))
            self.start_instance()
        published = load.stop()
        letters = self.audit(published, failures=("CRASH_LOOP",), retries_allowed=True)
        figure(
            f"{KILLS} times kill -9 (seed {SEED}) under load: {len(published)} events all "
            f"answered, {len(letters)} dead-lettered as CRASH_LOOP, {self.duplicates()} duplicate "
            f"uploads, {sum(self.counted_duplicates.values())} counted"
        )


class KilledBetweenSteps(Scenario):
    """Each wait of a job is held open at a gate; the instance is killed in it, and another one
    finishes the job."""

    consumer_settings = {**Scenario.consumer_settings, "MEDIA_PREWARM_LEASE_MS": "2000"}

    def setUp(self):
        super().setUp()
        self.instance = self.start_instance()
        self.wait_until_serving(self.instance)

    def publish_one(self):
        key = f"chaos/{secrets.token_hex(8)}"
        digest = self.put(key, secrets.token_bytes(300))
        event = self.event(key, digest)
        self.publish(event)
        self.published = {event["eventId"]: digest}

    def wait_for_status(self, status):
        wait_until(lambda: any(r["status"] == status for r in self.rows()), f"a row {status}")

    def wait_until_sent(self):
        wait_until(self.received, "the upload at Telegram")

    def open_and_wait_for_bytes(self, name, direction):
        """Until something of what was held has passed."""
        passed = self.gates[name].passed_bytes
        before = passed[direction]
        self.gates[name].open()
        wait_until(lambda: passed[direction] > before, f"bytes {direction} through {name}")

    def kill_and_audit(self, uploads):
        self.kill(self.instance)
        for gate in self.gates.values():
            gate.open()
        self.start_instance()
        self.audit(self.published)
        self.assertEqual(len(self.received()), uploads)
        (row,) = self.rows()
        self.assertEqual(row["version"], 1)

    def test_taken_and_not_claimed(self):
        self.gates["postgres"].stall(UP)
        self.publish_one()
        wait_until(
            lambda: self.metrics(self.instance).get("prewarm_jobs_in_flight") == 1, "a job at work"
        )
        self.assertEqual(self.rows(), [])
        self.kill_and_audit(uploads=1)

    def test_claimed_and_not_read(self):
        self.gates["r2"].stall()
        self.publish_one()
        self.wait_for_status("warming")
        self.kill_and_audit(uploads=1)

    def test_sent_and_not_answered(self):
        self.gates["telegram"].stall(DOWN)
        self.publish_one()
        self.wait_until_sent()
        self.kill_and_audit(uploads=2)

    def test_answered_and_not_committed(self):
        self.gates["telegram"].stall(DOWN)
        self.publish_one()
        self.wait_until_sent()
        self.gates["postgres"].stall(UP)
        self.open_and_wait_for_bytes("telegram", DOWN)
        self.kill_and_audit(uploads=2)

    def test_committed_and_not_told_so(self):
        self.gates["telegram"].stall(DOWN)
        self.publish_one()
        self.wait_until_sent()
        # A commit is several exchanges; of the last one's answer, half a second's way is left.
        self.gates["postgres"].delay(500)
        self.gates["telegram"].open()
        self.wait_for_status("ready")
        self.kill_and_audit(uploads=1)

    def test_committed_and_not_invalidated(self):
        self.gates["redis"].stall(UP)
        self.publish_one()
        self.wait_for_status("ready")
        self.kill_and_audit(uploads=1)

    def test_invalidated_and_not_announced(self):
        self.gates["redis"].stall(UP)
        self.publish_one()
        self.wait_for_status("ready")
        self.gates["rabbitmq"].stall(UP)
        self.open_and_wait_for_bytes("redis", DOWN)
        self.kill_and_audit(uploads=1)

    def test_announced_and_not_confirmed(self):
        self.gates["redis"].stall(UP)
        self.publish_one()
        self.wait_for_status("ready")
        self.gates["rabbitmq"].stall(DOWN)
        self.gates["redis"].open()
        wait_until(self.announcements.all, "the announcement")
        self.kill_and_audit(uploads=1)


class KilledBroker(Scenario):
    """Against servers of its own."""

    def surroundings(self):
        self.stack = PrivateStack()
        self.addCleanup(self.stack.down)
        return self.stack.environment()

    def test_rabbitmq_is_killed_and_started_again_under_load(self):
        self.start_instances()
        load = self.start_load()
        self.wait_for_ready(40)  # More than a second after the queues were made: facts of 3.10.
        with self.announcements.untaken():
            self.stack.kill("rabbitmq")
            time.sleep(BROKER_DOWN_S)
            began = time.monotonic()
            self.stack.up()
        started_s = time.monotonic() - began
        self.assertEqual(self.stack.environment()["RABBITMQ_URL"], os.environ["RABBITMQ_URL"])
        time.sleep(3)
        published = load.stop()
        self.audit(published)
        figure(
            f"RabbitMQ killed with -9, up again after {BROKER_DOWN_S + started_s:.0f} s: "
            f"{len(published)} events all answered, {self.duplicates()} duplicate uploads"
        )


class PurgedQueue(Scenario):
    sandbox_options = ("--telegram-latency-ms", "200")
    consumer_settings = {**Scenario.consumer_settings, "MEDIA_PREWARM_CONCURRENCY": "2"}

    def test_an_uploaders_media_get_ready_although_the_queue_was_purged(self):
        folder = pathlib.Path(self.folder) / "files"
        folder.mkdir()
        for number in range(UPLOADS):
            (folder / f"{number}.txt").write_text(secrets.token_hex(100))
        done = run(BIN / "prewarmctl", "upload", "--json", "--bot", self.bot, folder, env=self.env)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        published = {line["event_id"]: line["sha256"] for line in lines}
        self.assertEqual(len(published), UPLOADS)

        self.start_instances(MEDIA_PREWARM_MAX_QUEUE="4")
        self.wait_for_ready(1)
        queue = urllib.parse.quote(f"{self.prefix}prewarm", safe="")
        self.management.call("DELETE", f"/queues/%2F/{queue}/contents")
        purged = time.time()
        left = sum(row["status"] != "ready" for row in self.rows())
        self.assertGreater(left, UPLOADS // 2, "there was something to lose")
        self.audit(published)
        figure(
            f"queue purged with {left} of {UPLOADS} media not ready: all ready "
            f"{time.time() - purged:.1f} s later, {self.duplicates()} duplicate uploads"
        )


class FrozenInstance(Scenario):
    def test_an_instance_frozen_past_its_lease_changes_nothing_when_it_wakes(self):
        own_way = self.gate("telegram of the frozen", self.env["TELEGRAM_API_URL"])
        frozen = self.start_instance(TELEGRAM_API_URL=own_way)
        self.wait_until_serving(frozen)
        self.gates["telegram of the frozen"].stall(DOWN)
        key = f"chaos/{secrets.token_hex(8)}"
        digest = self.put(key, secrets.token_bytes(300))
        event = self.event(key, digest)
        self.publish(event)
        wait_until(self.received, "the upload at Telegram")
        frozen.send(signal.SIGSTOP)
        stopped = time.time()

        self.start_instance()
        wait_until(lambda: self.rows()[0]["status"] == "ready", "the other one's outcome")
        figure(
            f"an instance frozen with a lease of 5 s: the media ready {time.time() - stopped:.1f} s "
            f"later through another one"
        )
        (row,) = self.rows()
        (first, second) = self.received()
        self.assertEqual((row["version"], row["file_id"]), (1, second["file_id"]))
        self.assertNotEqual(first["file_id"], second["file_id"])

        frozen.send(signal.SIGCONT)
        self.gates["telegram of the frozen"].open()
        wait_until(
            lambda: self.metrics(frozen).get("prewarm_jobs_in_flight") == 0, "the woken one's end"
        )
        self.audit({event["eventId"]: digest})
        self.assertEqual(self.rows(), [row])
        self.assertEqual({one.file_id for one in self.announcements.all()}, {row["file_id"]})


if __name__ == "__main__":
    unittest.main(verbosity=2)
