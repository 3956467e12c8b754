"""What the scenarios share: consumers behind gates, a load, and an audit of what became of it.

Each scenario has queues, a database and a sandbox of its own. The sizes come from the environment,
so that the same scenarios are short in every test run and long in `scripts/chaos`.
"""

import collections
import json
import os
import random
import re
import secrets
import signal
import time
import unittest.mock
import urllib.parse

from acceptance import Deployment, run, wait_until
from announcements import Announcements
from gate import Gate
from load import ConfirmedPublisher, Load

INSTANCES = 3
# How long a backlog may take to be worked off; nothing is measured with it.
PATIENCE_S = int(os.environ.get("CHAOS_PATIENCE_S", "120"))


def size(name, otherwise):
    """A size of the scenarios, from the environment."""
    return int(os.environ.get(name, otherwise))


def figure(text):
    """A line for people, which `docs/reliability.md` quotes."""
    print(f"\nfigure: {text}", flush=True)


class Scenario(Deployment):
    sandbox_options = ("--telegram-latency-ms", "30")
    consumer_settings = {
        "MEDIA_PREWARM_CONCURRENCY": "8",
        "MEDIA_PREWARM_LEASE_MS": "5000",
        "MEDIA_PREWARM_INTERVAL_MS": "500",
        "MEDIA_PREWARM_BACKOFF_MS": "200",
        "MEDIA_PREWARM_BACKOFF_MAX_MS": "2000",
    }

    def setUp(self):
        surroundings = unittest.mock.patch.dict(os.environ, self.surroundings())
        surroundings.start()
        self.addCleanup(surroundings.stop)
        self._make_database()
        super().setUp()
        self.gates = {}
        self.gated = {
            name: self.gate(dependency, url)
            for dependency, name, url in (
                ("rabbitmq", "RABBITMQ_URL", self.env["RABBITMQ_URL"]),
                ("postgres", "DATABASE_URL", self.env["DATABASE_URL"]),
                ("redis", "REDIS_URL", self.env["REDIS_URL"]),
                ("r2", "R2_ENDPOINT", self.env["R2_ENDPOINT"]),
                ("telegram", "TELEGRAM_API_URL", self.env["TELEGRAM_API_URL"]),
            )
        }
        self.instances = []
        self.letters = []
        self.counted_duplicates = collections.Counter()  # By pid, as each last said.
        self.announcements = Announcements(self.management, self.heard)
        self.addCleanup(self.announcements.end)

    def surroundings(self):
        """Changes to the environment: the servers that this scenario runs against."""
        return {}

    def _make_database(self):
        """And a Redis database: sixteen are enough, as all keys hold a bot of the scenario's."""
        name = f"chaos_{secrets.token_hex(6)}"
        server = os.environ["DATABASE_URL"]
        run("psql", "-XAtq", server, "-c", f"CREATE DATABASE {name}")
        self.addCleanup(
            run, "psql", "-XAtq", server, "-c", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
            check=False,
        )  # fmt: skip
        redis = urllib.parse.urlsplit(os.environ["REDIS_URL"])
        os.environ["DATABASE_URL"] = urllib.parse.urlsplit(server)._replace(path=name).geturl()
        os.environ["REDIS_URL"] = redis._replace(path=str(random.randrange(1, 16))).geturl()

    def gate(self, name, url):
        """The URL through a gate, which from then on is `gates[name]`."""
        self.gates[name] = Gate.before(url)
        self.addCleanup(self.gates[name].close)
        return self.gates[name].url(url)

    def start(self, name, *arguments, **settings):
        # A sandbox that is killed leaves its objects behind: where they go with the scenario.
        return super().start(name, *arguments, **{"TMPDIR": self.folder, **settings})

    def start_sandbox(self, *options):
        """Another one; gives its address."""
        sandbox = self.start(
            "prewarm-sandbox", "--listen", "127.0.0.1:0", "--no-limits", *options
        )
        says = wait_until(
            lambda: re.search(r"http://\S+", sandbox.out_path.read_text()), "the sandbox's address"
        )
        return says.group()

    # --- Instances -----------------------------------------------------------------------

    def start_instance(self, **settings):
        """A consumer that reaches all its servers through the gates."""
        instance = self.start_consumer(**{**self.consumer_settings, **self.gated, **settings})
        self.instances.append(instance)
        return instance

    def start_instances(self, count=INSTANCES, **settings):
        for _ in range(count):
            self.start_instance(**settings)

    def wait_until_serving(self, instance):
        """All that it needs has answered it."""
        self.until(lambda: self.http(instance, "/readyz")[0] == 200, "an instance that is ready")

    def kill(self, instance):
        """With -9, after a last look at its counters, which end with it."""
        self.note_duplicates(instance)
        instance.end(signal.SIGKILL)
        self.instances.remove(instance)
        self.programs.remove(instance)

    def metrics(self, instance):
        """Every sample, as {'name{labels}': value}."""
        text = self.http(instance, "/metrics", token=None)[2].decode()
        lines = (line for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def note_duplicates(self, instance):
        count = self.metrics(instance).get("prewarm_duplicate_uploads_total", 0)
        self.counted_duplicates[instance.pid] = int(count)

    def assert_alive(self):
        for instance in self.instances:
            self.assertIsNone(instance.process.poll(), f"ended by itself:\n{instance.log()[-2000:]}")

    # --- What became of it ---------------------------------------------------------------

    def start_load(self, rate=None, bot=None, make_content=None):
        load = Load(self, rate or size("CHAOS_RATE", 20), bot, make_content).start()
        self.addCleanup(load.stop)
        return load

    def publish_some(self, count, missing=False):
        """Events of small media, as {event_id: digest}; of objects that are not there if `missing`."""
        published = {}
        for _ in range(count):
            key = f"chaos/{secrets.token_hex(8)}"
            digest = secrets.token_hex(32) if missing else self.put(key, secrets.token_bytes(300))
            event = self.event(key, digest)
            self.publish(event)
            published[event["eventId"]] = digest
        return published

    def upload_queue(self):
        """As the management API shows it."""
        name = urllib.parse.quote(f"{self.prefix}prewarm", safe="")
        return self.management.call("GET", f"/queues/%2F/{name}")

    def redelivered(self):
        """How often a delivery was given out again: a quorum queue counts it."""
        return self.upload_queue().get("message_stats", {}).get("redeliver", 0)

    def publisher(self):
        return ConfirmedPublisher(f"{self.prefix}prewarm")

    def rows(self):
        """Every media_cache row of the scenario's database."""
        out = run(
            "psql", "-XAtq", os.environ["DATABASE_URL"], "-c",
            "SELECT row_to_json(m) FROM (SELECT bot_slug, sha256, kind, status, file_id, version, "
            "retry_count, next_retry_at, last_error, lease_until, starts, upload_event_ids "
            "FROM media_cache) m",
        ).stdout.decode()  # fmt: skip
        return [json.loads(line) for line in out.splitlines()]

    def until(self, condition, what, patience_s=PATIENCE_S):
        """`wait_until`, which tells where things stood when it was given up."""
        try:
            return wait_until(condition, what, patience_s)
        except AssertionError as late:
            self.fail(f"{late}; {self.summary()}")

    def wait_for_ready(self, count, bot=None):
        """Until so many media, of this bot or of all, are ready."""

        def ready():
            rows = (row for row in self.rows() if bot is None or row["bot_slug"] == bot)
            return sum(row["status"] == "ready" for row in rows) >= count

        self.until(ready, f"{count} media ready")

    def summary(self):
        """One line on where things stand, for failures."""
        rows = self.rows()
        states = collections.Counter(row["status"] for row in rows)
        errors = collections.Counter(
            re.sub(r"[0-9a-f]{16,}|\d+", "#", row["last_error"])[:120]
            for row in rows
            if row["last_error"] and row["status"] != "ready"
        )
        depths = {
            queue["name"].removeprefix(self.prefix): queue.get("messages")
            for queue in self.management.call("GET", "/queues/%2F")
            if queue["name"].startswith(self.prefix)
        }
        return f"media {dict(states)}, queues {depths}, errors {errors.most_common(4)}"

    def wait_until_settled(self, published, failures_expected=False):
        """Until every media of these events ({event_id: digest}) has an outcome, and everybody was
        told of it for each event."""
        wanted = set(published.values())
        end = time.monotonic() + PATIENCE_S
        while True:
            state = {row["sha256"]: row["status"] for row in self.rows()}
            open_media = {one for one in wanted if state.get(one, "unknown") in ("warming", "unknown")}
            heard = self.announcements.all()
            answered = {event_id for one in heard for event_id in one.event_ids}
            unanswered = published.keys() - answered
            if not open_media and not unanswered:
                return
            failed = [one for one in heard if not one.ready]
            if not failures_expected and (failed or "failed" in state.values()):
                self.fail(f"something failed where nothing may: {self.summary()}")
            self.assert_alive()
            if time.monotonic() > end:
                self.fail(
                    f"of {len(wanted)} media {len(open_media)} have no outcome and of "
                    f"{len(published)} events {len(unanswered)} no answer after {PATIENCE_S} s: "
                    f"{self.summary()}"
                )
            time.sleep(0.25)

    def audit(self, published, failures=(), retries_allowed=False):
        """What CONTRACT section 6 promises, whatever has happened. `failures` are the reasons that
        dead letters may have. Gives the dead letters."""
        self.wait_until_settled(published, failures_expected=bool(failures))
        rows = {(row["bot_slug"], row["sha256"]): row for row in self.rows()}
        letters = self.take_dead_letters()
        reasons = collections.Counter(
            letter["headers"].get("x-prewarm-reason", "none, by the broker") for letter in letters
        )
        self.assertLessEqual(reasons.keys(), set(failures), f"dead letters: {dict(reasons)}")
        failed = [row for row in rows.values() if row["status"] == "failed"]
        self.assertLessEqual(len(failed), len(letters), "every failed media has a dead letter")

        self.assert_nothing_is_told_twice()

        if not retries_allowed:
            burnt = [row for row in rows.values() if row["status"] == "ready" and row["retry_count"]]
            self.assertEqual(burnt, [], "attempts were burnt")
        self.assert_alive()
        self.assert_duplicates_counted()
        return letters

    def assert_nothing_is_told_twice(self):
        """No version with two file_ids, and none that is not on record."""
        rows = {(row["bot_slug"], row["sha256"]): row for row in self.rows()}
        told = collections.defaultdict(set)
        for one in self.announcements.all():
            if one.ready:
                told[one.bot, one.sha256, one.version].add(one.file_id)
        for (bot, sha256, version), file_ids in told.items():
            self.assertEqual(len(file_ids), 1, f"version {version} of {sha256} has two file_ids")
            row = rows.get((bot, sha256))
            self.assertIsNotNone(row, f"{sha256} was announced and is in no row")
            self.assertEqual(({row["file_id"]}, row["version"]), (file_ids, version), row)

    def take_dead_letters(self):
        """All that there ever were."""
        while taken := self.management.take(f"{self.prefix}prewarm.dlq"):
            self.letters += taken
        return self.letters

    def duplicates(self):
        """How often Telegram got a media again."""
        uploads = [sent for sent in self.received() if sent["upload"]]
        return len(uploads) - len({(sent["bot_id"], sent["sha256"]) for sent in uploads})

    def assert_duplicates_counted(self):
        """A duplicate that could not be ruled out is counted too, so that more may be."""
        for instance in self.instances:
            self.note_duplicates(instance)
        counted = sum(self.counted_duplicates.values())
        self.assertGreaterEqual(counted, self.duplicates(), "duplicate uploads were not counted")
