"""An operator finds out what dead letters died of, removes the causes that can be removed, and
sends them to the service again."""

import collections
import contextlib
import json
import signal
import subprocess
import time
import unittest

from acceptance import BIN, run
from load import ObjectStore
from poison import GOOD, POISON_A_SORT, SORTS, PoisonScenario, upload_event_id
from scenario import figure

CURABLE = ("OBJECT_MISSING", "OBJECT_MISMATCH", "UNKNOWN_BOT")
# The events of these cannot be read, so nobody can tell which one an answer is for.
NAMELESS = ("UNDECODABLE",)
LETTERS = 200


class DeadLetters(PoisonScenario):
    def dlq(self, *arguments):
        """Exit status and lines of `prewarmctl dlq`."""
        done = run(BIN / "prewarmctl", "dlq", *arguments, "--json", env=self.env, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr.decode())
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def listed(self):
        status, letters = self.dlq("list")
        self.assertEqual(status, 0)
        for letter in letters:
            del letter["handed_out"]  # Which looking adds to.
        return letters

    def remove_causes(self):
        with contextlib.closing(ObjectStore()) as objects:
            for key, content in self.right_contents.items():
                objects.put(key, content)
        self.write_bots([*self.known_bots, self.unknown_bot])
        for instance in self.instances:
            instance.send(signal.SIGHUP)
        for instance in self.instances:
            instance.wait_for_event("bots.read")

    def test_they_are_grouped_by_cause_and_get_ready_once_it_is_removed(self):
        self.start_instances()
        poison = self.make_poison()
        good = self.publish_mixed(poison, GOOD // 10)
        # A dead letter is confirmed before anybody is told.
        self.until(lambda: len(self.told_failed()) == len(poison), f"{len(poison)} failures told")
        reasons = collections.Counter(reason for _, reason in poison.values())

        self.assert_grouped_by_cause(poison)
        selected = [word for reason in CURABLE for word in ("--reason", reason)]
        curable = {body for body, (_, reason) in poison.items() if reason in CURABLE}
        self.assert_dry_run_changes_nothing(selected, curable, reasons)

        self.remove_causes()
        status, lines = self.dlq("replay", "--wait", "--timeout", "60", *selected)
        results = collections.Counter(line["result"] for line in lines)
        self.assertEqual(results, {"replayed": len(curable), "ready": len(curable)}, self.summary())
        self.assertEqual(status, 0)
        self.wait_for_ready(len(good) + len(curable))
        self.assertEqual(len(self.received()), len(good) + len(curable))
        _, again = self.dlq("replay", *selected)
        self.assertEqual(again, [], "what got ready is gone")

        self.assert_the_others_die_again(reasons)
        self.assert_nothing_is_told_twice()
        self.assert_alive()
        figure(
            f"dead letters of {SORTS} sorts in {SORTS} groups; {len(curable)} replayed after "
            f"their causes were removed, all ready; {len(poison) - len(curable)} others died again "
            f"for the same reasons"
        )

    def assert_grouped_by_cause(self, poison):
        status, groups = self.dlq("groups")
        self.assertEqual(status, 0)
        rows = "\n".join(f"{one['messages']} {one['reason']} {one['cause']}" for one in groups)
        self.assertEqual(len(groups), SORTS, rows)
        self.assertEqual({one["messages"] for one in groups}, {POISON_A_SORT}, rows)
        self.assert_bytes_of(poison, sum(one["bytes"] for one in groups))
        self.assertEqual(
            collections.Counter(one["reason"] for one in groups),
            collections.Counter(dict(poison.values()).values()),
        )

    def assert_bytes_of(self, bodies, told):
        """An event that had to wait comes back as its row has it: protobuf, which is shorter."""
        published = sum(map(len, bodies))
        self.assertLessEqual(told, published)
        self.assertGreater(told, 0.9 * published)

    def assert_dry_run_changes_nothing(self, selected, curable, reasons):
        before = self.listed()
        self.assertEqual({letter["replays"] for letter in before}, {0})
        status, (plan,) = self.dlq("replay", "--dry-run", "--rate", "50", *selected)
        self.assertEqual(status, 0)
        self.assertEqual((plan["dry_run"], plan["messages"]), (True, len(curable)))
        self.assert_bytes_of(curable, plan["bytes"])
        self.assertAlmostEqual(plan["seconds"], (len(curable) - 1) / 50)
        self.assertEqual(
            {one["reason"]: one["messages"] for one in plan["by_reason"]},
            {reason: reasons[reason] for reason in CURABLE},
        )
        self.assertEqual(self.listed(), before)
        self.assertEqual(len(self.told_failed()), sum(reasons.values()), "nothing was sent")

    def assert_the_others_die_again(self, reasons):
        left = {reason: count for reason, count in reasons.items() if reason not in CURABLE}
        told = len(self.told_failed())
        status, lines = self.dlq("replay", "--wait", "--timeout", "60")
        results = collections.Counter(line["result"] for line in lines)
        named = sum(count for reason, count in left.items() if reason not in NAMELESS)
        self.assertEqual(results, {"replayed": sum(left.values()), "failed": named})
        self.assertEqual(status, 1)
        self.until(lambda: len(self.told_failed()) == told + sum(left.values()), "failures told")
        letters = self.listed()
        self.assertEqual(collections.Counter(letter["reason"] for letter in letters), left)
        self.assertEqual({letter["replays"] for letter in letters}, {1})


class InterruptedReplay(PoisonScenario):
    def test_the_broker_goes_away_during_a_replay(self):
        instance = self.start_instance()
        for _ in range(LETTERS):
            self.publish(self.event_of_no_object())
        self.until(lambda: len(self.told_failed()) == LETTERS, "failures told")
        instance.end()
        self.instances.remove(instance)

        replay = subprocess.Popen(
            [BIN / "prewarmctl", "dlq", "replay", "--rate", "20"], env={**self.env, **self.gated},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        path = f"/queues/%2F/{self.prefix}prewarm"
        self.until(lambda: self.management.call("GET", path).get("messages_ready", 0) >= 10, "ten")
        self.gates["rabbitmq"].cut()
        time.sleep(1)
        self.gates["rabbitmq"].open()
        _, told = replay.communicate(timeout=60)
        self.assertEqual(replay.returncode, 1, told)

        run(BIN / "prewarmctl", "dlq", "replay", env=self.env)
        self.assertEqual(self.take_dead_letters(), [])
        replayed = self.management.take(f"{self.prefix}prewarm")
        sent = [upload_event_id(message) for message in replayed]
        self.assertEqual(len(set(sent)), LETTERS, "each is there")
        # One that was just sent may have been confirmed without our hearing it.
        self.assertLessEqual(len(sent), LETTERS + 2)
        figure(f"RabbitMQ away during a replay of {LETTERS}: {len(sent) - LETTERS} sent twice")


if __name__ == "__main__":
    unittest.main(verbosity=2)
