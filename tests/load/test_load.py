"""Many media against Telegram's limits: how long they take, and that no limit is broken.

Each run leaves a file in LOAD_OUT, of which `report.py` makes docs/load.md. LOAD_MEDIA is how many
media; scripts/load runs all of them at full size.
"""

import chaos_path  # noqa: F401  (before what is found through it)
import collections
import contextlib
import datetime
import json
import os
import pathlib
import secrets
import statistics
import subprocess
import threading
import time
import unittest
import urllib.request

from acceptance import BIN, run
from load import ObjectStore
from scenario import Scenario, size
from servers import PrivateStack
from sizes import realistic

MEDIA = size("LOAD_MEDIA", 1000)
OUT = pathlib.Path(os.environ.get("LOAD_OUT", "."))
# What a real Bot API answers within, for small files.
ANSWER_MS = 300


def when(received):
    return datetime.datetime.fromisoformat(received["time"]).timestamp()


class Samples:
    """Once a second how things stand, from `start` to `stop`."""

    def __init__(self, look):
        self._look = look
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.all = []

    def start(self):
        self._began = time.time()
        self._thread.start()
        return self

    def stop(self):
        self._ended.set()
        self._thread.join()
        return self.all

    def _run(self):
        while not self._ended.wait(1):
            with contextlib.suppress(OSError, AssertionError):
                self.all.append({"s": round(time.time() - self._began, 2), **self._look()})


class LimitedLoad(Scenario):
    """The limits on, on both sides."""

    with_limits = True
    storage_chats = tuple(-1_001_000_000_000 - chat for chat in range(40))
    sandbox_options = ("--telegram-latency-ms", str(ANSWER_MS))
    consumer_settings = {"MEDIA_PREWARM_CONCURRENCY": "32"}
    chats_that_refuse = 0
    tells_bytes = True  # In the events.
    bytes_per_second = 10_000_000  # Of an upload, as `plan` takes it: more than what is spent here.
    # Of all limits only those that `least_s` knows bind; and there are so many media that the start
    # does not count.
    is_judged = MEDIA >= 5000

    def setUp(self):
        super().setUp()
        # Nothing is pulled here, and the gates would cost what is measured.
        self.gated = {name: self.env[name] for name in self.gated}

    def publish_all(self, sizes, bot=None):
        """As objects and events; gives {event_id: digest}."""
        published = {}
        with (
            contextlib.closing(ObjectStore()) as objects,
            contextlib.closing(self.publisher()) as publisher,
        ):
            for bytes_ in sizes:
                key = f"load/{secrets.token_hex(8)}"
                digest = objects.put(key, secrets.token_bytes(16) + bytes(bytes_ - 16))
                told = bytes_ if self.tells_bytes else 0
                event = self.event(key, digest, bytes=told, botSlug=bot or self.bot)
                publisher.publish(json.dumps(event).encode())
                published[event["eventId"]] = digest
        return published

    def counts(self):
        out = run(
            "psql", "-XAtq", os.environ["DATABASE_URL"], "-c",
            "SELECT status, count(*) FROM media_cache GROUP BY status",
        ).stdout.decode()  # fmt: skip
        return {status: int(count) for status, count in (line.split("|") for line in out.split())}

    def look(self):
        depth = self.management.call("GET", f"/queues/%2F/{self.prefix}prewarm").get("messages", 0)
        commands = sum(
            value
            for instance in self.instances
            for name, value in self.metrics(instance).items()
            if name.startswith("prewarm_budget_questions_total")
        )
        return {"queue": depth, **self.counts(), "questions": commands,
                "violations": self.sandbox_stats()["violations"]}  # fmt: skip

    def plan(self, sizes):
        """What `prewarm-sandbox plan` says to this."""
        file = pathlib.Path(self.folder) / "sizes"
        file.write_text("\n".join(map(str, sizes)))
        answer = subprocess.run(
            [BIN / "prewarm-sandbox", "plan", "--json", "--media", str(len(sizes)),
             "--chats", str(len(self.storage_chats) - self.chats_that_refuse), "--sizes", file,
             "--at-once", str(32 * max(1, len(self.instances))), "--answer-ms", str(ANSWER_MS),
             "--bytes-per-second", str(self.bytes_per_second)],
            capture_output=True, check=True,
        )  # fmt: skip
        return json.loads(answer.stdout)

    def least_s(self, count):
        """What the limits allow at best: twenty to each chat in any minute, thirty a second."""
        chats = len(self.storage_chats) - self.chats_that_refuse
        whole_minutes, rest = divmod(count - 1, 20 * chats)
        last_wave_s = (rest + 1) / min(30, chats)
        return max(whole_minutes * 60 + last_wave_s, count / 30)

    def run_load(self, name, instances, sizes, meanwhile=lambda: None):
        published = self.publish_all(sizes)
        began = time.time()
        self.start_instances(instances)
        samples = Samples(self.look).start()
        meanwhile()
        patience_s = 2 * self.least_s(len(sizes)) + 120
        self.until(
            lambda: self.counts().get("ready", 0) == len(sizes), "all media ready", patience_s
        )
        history = samples.stop()
        received = [one for one in self.received() if one["upload"]]
        result = self.result_of(name, instances, sizes, began, received, history)
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / f"{name}.json").write_text(json.dumps(result))
        print(f"\nfigure: {json.dumps({key: result[key] for key in result if key != 'series'})}")
        self.wait_until_settled(published)
        self.assert_nothing_is_told_twice()
        self.assertEqual(self.take_dead_letters(), [])
        self.assertEqual(result["violations"], {}, "Telegram's limits were broken")
        if self.is_judged:
            self.assertLess(result["seconds"], 1.05 * result["least_s"], "5 % over what is allowed")
            self.assertAlmostEqual(
                result["plan"]["seconds"], result["seconds"], delta=0.1 * result["seconds"]
            )
            self.assertLess(result["questions_per_job"], 1, "questions to Redis a job")
        return result

    def result_of(self, name, instances, sizes, began, received, history):
        posted = sorted(when(one) - began for one in received)
        chats = collections.Counter(one["chat_id"] for one in received)
        waits = run(
            "psql", "-XAtq", os.environ["DATABASE_URL"], "-c",
            "SELECT extract(epoch FROM ready_at) FROM media_cache WHERE status = 'ready'",
        ).stdout.decode().split()  # fmt: skip
        ready = sorted(float(one) - began for one in waits)
        seconds = ready[-1]
        quantiles = statistics.quantiles(ready, n=100)
        return {
            "name": name, "instances": instances, "media": len(sizes),
            "bytes": sum(sizes), "chats": len(self.storage_chats),
            "seconds": round(seconds, 1), "least_s": round(self.least_s(len(sizes)), 1),
            "plan": self.plan(sizes), "per_minute": round(len(sizes) / seconds * 60),
            "ready_after_s": {"p50": quantiles[49], "p95": quantiles[94], "p99": quantiles[98]},
            "duplicates": self.duplicates(), "violations": self.sandbox_stats()["violations"],
            "most_in_a_chat": max(chats.values()), "least_in_a_chat": min(chats.values()),
            "questions_per_job": round(history[-1]["questions"] / len(sizes), 2),
            "series": {"posted": posted, "ready": ready, "samples": history},
        }  # fmt: skip


class Instances(LimitedLoad):
    def test_one(self):
        self.run_load("instances-1", 1, realistic(MEDIA))

    def test_three(self):
        self.run_load("instances-3", 3, realistic(MEDIA))

    def test_ten(self):
        self.run_load("instances-10", 10, realistic(MEDIA))


class Trouble(LimitedLoad):
    def faults(self, rules):
        request = urllib.request.Request(
            f"{self.sandbox_url}/sandbox/faults", method="PUT",
            data=json.dumps(rules).encode(),
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request):
            pass

    def test_a_storm_of_429(self):
        rule = {"side": "telegram", "fraction": 0.05, "times": MEDIA // 50,
                "status": 429, "retry_after": 5}  # fmt: skip
        self.run_load("storm", 3, realistic(MEDIA), lambda: self.faults([rule]))

    def test_a_chat_kicks_the_bot(self):
        self.chats_that_refuse = 1
        rule = {"side": "telegram", "chat": self.storage_chats[0], "status": 403,
                "description": "Forbidden: bot was kicked from the channel chat"}  # fmt: skip
        self.run_load("kicked", 3, realistic(MEDIA), lambda: self.faults([rule]))


class RedisRestarted(LimitedLoad):
    def surroundings(self):
        self.stack = PrivateStack()
        self.addCleanup(self.stack.down)
        return self.stack.environment()

    def test_empty_in_the_middle(self):
        def restart():
            self.until(
                lambda: self.counts().get("ready", 0) >= MEDIA // 2,
                "half of the media ready",
                self.least_s(MEDIA) + 60,
            )
            self.stack.kill("redis")
            self.stack.up()

        self.run_load("redis-restarted", 3, realistic(MEDIA), restart)


class ManyChats(LimitedLoad):
    storage_chats = tuple(-1_001_000_000_000 - chat for chat in range(120))

    def test_1500_a_minute(self):
        result = self.run_load("many-chats", 3, realistic(MEDIA))
        self.assertGreaterEqual(result["per_minute"], 1500)


class EqualSizes(LimitedLoad):
    is_judged = False  # What binds is the spacing of equal sizes.

    def test_200_of_one_size(self):
        self.run_load("equal-sizes", 3, [1_500_000] * 200)

    def test_200_of_one_size_that_no_event_tells(self):
        self.tells_bytes = False
        self.run_load("untold-sizes", 3, [1_500_000] * 200)


class LargeUploads(LimitedLoad):
    """Slow ones: ten seconds each, so that as many as may be are in flight."""

    is_judged = False  # What binds is how many are in flight.
    bytes_per_second = 2_000_000
    sandbox_options = (
        *LimitedLoad.sandbox_options, "--telegram-bytes-per-second", str(bytes_per_second)
    )  # fmt: skip
    storage_chats = tuple(-1_001_000_000_000 - chat for chat in range(120))
    consumer_settings = {"MEDIA_PREWARM_CONCURRENCY": "64"}

    def test_150_at_once(self):
        self.run_load("large-uploads", 3, [20_000_000 + 1000 * number for number in range(150)])


class Fairness(LimitedLoad):
    """One bot is flooded, another one gets ten photos."""

    other = "other-bot"
    flood = size("LOAD_FLOOD", 1000)

    def setUp(self):
        super().setUp()
        self.other = f"other-{secrets.token_hex(4)}"
        file = pathlib.Path(self.env["PREWARM_BOTS_FILE"])
        bots = json.loads(file.read_text())
        bots[self.other] = {
            "token": f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_hex(18)}",
            "storage_chats": [-1_002_000_000_000],
        }
        file.write_text(json.dumps(bots))

    def seconds_for_ten(self):
        began = time.time()
        published = self.publish_all(realistic(10, seed=time.time_ns()), self.other)
        digests = "','".join(published.values())

        def last_ready():
            out = run(
                "psql", "-XAtq", os.environ["DATABASE_URL"], "-c",
                "SELECT extract(epoch FROM max(ready_at)) FROM media_cache "
                f"WHERE sha256 IN ('{digests}') AND status = 'ready' HAVING count(*) = 10",
            ).stdout.decode().strip()  # fmt: skip
            return out and float(out)

        return self.until(last_ready, "ten photos of the other bot") - began

    def test_the_other_bots_photos_do_not_wait(self):
        self.start_instances(3)
        for instance in self.instances:
            self.wait_until_serving(instance)
        idle_s = self.seconds_for_ten()
        time.sleep(60)  # Its chat's minute.
        flood = realistic(self.flood)
        for instance in self.instances:
            self.http(instance, "/api/admin/media/prewarm/worker/stop", "POST")
        self.publish_all(flood)
        for instance in self.instances:
            self.http(instance, "/api/admin/media/prewarm/worker/start", "POST")
        at_once_s = self.seconds_for_ten()
        time.sleep(60)
        later_s = self.seconds_for_ten()
        result = {
            "name": "fairness", "flood": self.flood, "idle_s": round(idle_s, 2),
            "right_after_the_flood_s": round(at_once_s, 2), "a_minute_later_s": round(later_s, 2),
            "violations": self.sandbox_stats()["violations"],
        }  # fmt: skip
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / "fairness.json").write_text(json.dumps(result))
        print(f"\nfigure: {json.dumps(result)}")
        self.assertEqual(result["violations"], {})
        self.assertAlmostEqual(later_s, idle_s, delta=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
