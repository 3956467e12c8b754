"""The main job: an upload event becomes a file_id, and everybody who must know is told."""

import base64
import contextlib
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from harness import KINDS, ROOT, SAMPLES, Deployment, run, wait_until


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MainJob(Deployment):
    def test_a_json_event_of_another_program_gets_warmed(self):
        self.start_consumer()
        digest = self.publish_upload(b"a small document", fileName="read me.txt")
        row = self.wait_ready(digest)
        self.assertEqual((row["version"], row["retry_count"], row["weak"]), (1, 0, False))
        (sent,) = self.received()
        self.assertEqual(sent["sha256"], digest)
        self.assertEqual(sent["file_id"], row["file_id"])

    def test_an_event_made_by_protoc_gets_warmed_and_the_announcement_decodes_with_it(self):
        self.start_consumer()
        content = (SAMPLES / "photo.jpg").read_bytes()
        digest = self.put("p/photo one+two=100%é.jpg", content)
        octets = "".join(f"\\{byte:03o}" for byte in bytes.fromhex(digest))
        text = f"""
            event_id: "made-by-protoc" bot_slug: "{self.bot}" sha256: "{octets}" kind: PHOTO
            r2_key: "p/photo one+two=100%é.jpg" bytes: {len(content)} mime_type: "image/jpeg"
        """
        body = run(
            "protoc", f"--proto_path={ROOT / 'proto'}", "--encode=prewarm.v1.MediaUploaded",
            "prewarm/v1/events.proto", stdin=text.encode(),
        ).stdout  # fmt: skip
        self.publish(body, content_type="application/x-protobuf")
        row = self.wait_ready(digest, "photo")

        (heard,) = self.next_announcements(1)
        self.assertEqual(heard["routing_key"], f"media.ready.{self.bot}.photo")
        self.assertEqual(heard["properties"]["type"], "prewarm.v1.MediaReady")
        self.assertEqual(heard["properties"]["content_type"], "application/x-protobuf")
        ready = self.decode("MediaReady", heard["body"])
        self.assertIn(f'file_id: "{row["file_id"]}"', ready)
        self.assertIn("version: 1", ready)
        self.assertIn('upload_event_ids: "made-by-protoc"', ready)
        self.assertIn("actual_kind: PHOTO", ready)

    def test_every_kind_is_warmed_as_what_it_is(self):
        self.start_consumer()
        digests = {}
        for kind in KINDS:
            (sample,) = SAMPLES.glob(f"{kind}.*")
            digests[kind] = self.publish_upload(sample.read_bytes(), kind, fileName=sample.name)
        for kind, digest in digests.items():
            with self.subTest(kind=kind):
                row = self.wait_ready(digest, kind)
                self.assertEqual(row["actual_kind"], kind)
        self.assertEqual({sent["sha256"] for sent in self.received()}, set(digests.values()))

    def test_a_kind_that_drifts_is_announced_as_what_it_is(self):
        self.start_consumer()
        # What begins every Matroska file: Telegram takes MP4 for videos, and makes documents of others.
        digest = self.publish_upload(b"\x1a\x45\xdf\xa3 and so on", "video", fileName="v.mkv")
        row = self.wait_ready(digest, "video")
        self.assertEqual((row["actual_kind"], row["weak"]), ("document", True))
        (heard,) = self.next_announcements(1)
        ready = self.decode("MediaReady", heard["body"])
        self.assertIn("kind: VIDEO", ready)
        self.assertIn("actual_kind: DOCUMENT", ready)

    def test_the_trace_goes_on_in_what_the_event_causes(self):
        self.start_consumer()
        key = f"acceptance/{secrets.token_hex(8)}"
        event = self.event(key, self.put(key, b"traced"))
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        self.management.call(
            "POST",
            f"/exchanges/%2F/{self.prefix}prewarm/publish",
            {
                "routing_key": "prewarm",
                "payload": json.dumps(event),
                "payload_encoding": "string",
                "properties": {
                    "content_type": "application/json",
                    "headers": {"traceparent": trace},
                },
            },
        )
        (heard,) = self.next_announcements(1)
        self.assertEqual(heard["headers"]["traceparent"], trace)

    def test_an_event_that_comes_again_uploads_nothing(self):
        self.start_consumer()
        key = f"acceptance/{secrets.token_hex(8)}"
        digest = self.put(key, b"again and again")
        self.publish(self.event(key, digest))
        self.wait_ready(digest)
        self.publish(self.event(key, digest))
        heard = self.next_announcements(2)
        self.assertNotIn("already_warm: true", self.decode("MediaReady", heard[0]["body"]))
        self.assertIn("already_warm: true", self.decode("MediaReady", heard[1]["body"]))
        self.assertEqual(len(self.received()), 1)


class CachesAndAnnouncements(Deployment):
    """With a Redis of its own, because it gets frozen."""

    def setUp(self):
        super().setUp()
        port = free_port()
        self.redis = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
             "--dir", self.folder],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(self._end_redis)
        self.redis_cli = ("redis-cli", "-p", str(port))
        self.env["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
        wait_until(lambda: self.ask("PING") == "PONG", "Redis")

    def _end_redis(self):
        self.redis.kill()
        self.redis.wait()

    def ask(self, *command):
        return run(*self.redis_cli, *command, check=False).stdout.decode().strip()

    def test_no_announcement_before_the_caches_are_clean(self):
        template = "answer:{bot_slug}:{kind}:{sha256}"
        self.start_consumer(PREWARM_CACHE_KEY_TEMPLATES=template)
        key = f"acceptance/{secrets.token_hex(8)}"
        digest = self.put(key, b"cached everywhere")
        templated = f"answer:{self.bot}:document:{digest}"
        own = f"prewarm:media:{{{self.bot}:{digest}:document}}"
        doomed = ["page:1", "page:2", "member:1", "member:2", templated, own]
        for name in doomed:
            self.ask("SET", name, "old")
        self.ask("SADD", "tag:shop", "member:1", "member:2")
        self.ask("SET", "bystander", "stays")

        self.redis.send_signal(signal.SIGSTOP)
        self.publish(
            self.event(key, digest, cacheKeys=["page:1", "page:2"], cacheTags=["tag:shop"])
        )
        self.wait_ready(digest)
        # Ready in the database, and nobody hears of it while a cache may hold something older:
        # for longer than the service waits for an answer of Redis'.
        silent_until = time.monotonic() + 4
        while time.monotonic() < silent_until:
            self.assertEqual(self.management.take(self.heard), [])
            time.sleep(0.2)

        self.redis.send_signal(signal.SIGCONT)
        (heard,) = self.next_announcements(1)
        self.assertEqual(self.ask("EXISTS", *doomed, "tag:shop"), "0")
        self.assertEqual(self.ask("GET", "bystander"), "stays")
        self.assertEqual(self.ask("GET", f"prewarm:version:{{{self.bot}:{digest}:document}}"), "1")
        self.assertIn("MediaReady", heard["properties"]["type"])

    def test_every_invalidated_key_is_told_to_those_who_hold_copies(self):
        self.start_consumer()
        subscriber = subprocess.Popen(
            [*self.redis_cli, "--csv", "SUBSCRIBE", "prewarm:invalidated"], stdout=subprocess.PIPE
        )
        with contextlib.closing(subscriber.stdout):
            while b"subscribe" not in subscriber.stdout.readline():
                pass
            digest = self.publish_upload(b"told", cacheKeys=["page:7"])
            told = {subscriber.stdout.readline().decode() for _ in range(2)}
            subscriber.kill()
            subscriber.wait()
        self.assertTrue(any("page:7" in line for line in told), told)
        self.assertTrue(any(f"prewarm:media:{{{self.bot}:{digest}:" in line for line in told), told)


class LargeMedia(Deployment):
    count = 16
    size = 45_000_000
    # So that the first is not gone before the last begins.
    sandbox_options = ("--telegram-bytes-per-second", "4000000")

    def test_large_videos_stream_whole_and_with_flat_memory(self):
        digests = set()
        for number in range(self.count):
            # Of one size they would have to wait for each other.
            content = secrets.token_bytes(self.size + number)
            digests.add(self.publish_upload(content, "video", fileName="v.mp4"))
        consumer = self.start_consumer(MEDIA_PREWARM_CONCURRENCY=str(self.count))
        for digest in digests:
            self.wait_ready(digest, "video")
        peak = consumer.peak_memory_kib()
        self.assertEqual({sent["sha256"] for sent in self.received()}, digests)
        self.assertEqual(self.sandbox_stats()["telegram"]["at_once"]["peak"], self.count)
        print(f"{self.count} x {self.size} bytes at once: peak memory {peak / 1024:.1f} MiB")
        if not self.sanitized():
            self.assertLess(peak, 32 * 1024)

    @staticmethod
    def sanitized():
        """A sanitizer's shadow memory counts as ours, so that only a plain build can be judged."""
        binary = pathlib.Path(os.environ["PREWARM_BIN"]) / "prewarm-consumer"
        return b"__asan_init" in binary.read_bytes()


class DownloadCache(Deployment):
    bots = 4
    size = 5_000_000

    def setUp(self):
        super().setUp()
        self.slugs = [f"{self.bot}-{number}" for number in range(self.bots)]
        bots = {
            slug: {"token": f"{10**8 + number}:{secrets.token_hex(18)}", "storage_chats": [-1001]}
            for number, slug in enumerate(self.slugs)
        }
        bots_file = pathlib.Path(self.folder) / "several-bots.json"
        bots_file.write_text(json.dumps(bots))
        self.env["PREWARM_BOTS_FILE"] = str(bots_file)
        self.cache = pathlib.Path(self.folder) / "downloads"
        self.env["MEDIA_PREWARM_DOWNLOAD_CACHE_DIR"] = str(self.cache)

    def warm(self, content, slugs):
        """For these bots, from a key of its own."""
        key = f"acceptance/{secrets.token_hex(8)}"
        digest = self.put(key, content)
        before = len(self.received())
        for slug in slugs:
            self.publish(self.event(key, digest, bytes=len(content), botSlug=slug))
        wait_until(lambda: len(self.received()) == before + len(slugs), "all of the uploads")
        self.assertEqual({sent["sha256"] for sent in self.received()[before:]}, {digest})
        return digest

    def count(self, consumer, metric):
        text = self.http(consumer, "/metrics", token=None)[2].decode()
        values = (line.removeprefix(metric) for line in text.splitlines())
        return sum(float(value) for value in values if value.startswith(" "))

    def asked(self, consumer, *results):
        metric = "prewarm_download_cache_requests_total"
        return sum(self.count(consumer, f'{metric}{{result="{result}"}}') for result in results)

    def downloaded(self, consumer):
        return self.count(consumer, 'prewarm_transferred_bytes_total{direction="download"}')

    def test_several_bots_read_an_object_from_r2_once(self):
        consumer = self.start_consumer(LOG_LEVEL="debug")
        consumer.wait_for_event("download_cache.open")
        digest = self.warm(secrets.token_bytes(self.size), self.slugs)
        wait_until(lambda: self.asked(consumer, "miss", "hit", "shared") == self.bots, "the count")
        self.assertEqual(self.asked(consumer, "miss"), 1)
        self.assertEqual(self.downloaded(consumer), self.size)
        self.assertEqual([file.name for file in self.cache.iterdir()], [digest])

    def test_what_nobody_needs_any_more_goes(self):
        consumer = self.start_consumer(MEDIA_PREWARM_DOWNLOAD_CACHE_TTL_MS="100", LOG_LEVEL="debug")
        consumer.wait_for_event("download_cache.open")
        self.warm(secrets.token_bytes(self.size), self.slugs[:1])
        wait_until(lambda: self.asked(consumer, "miss") == 1, "the count")
        wait_until(lambda: not list(self.cache.iterdir()), "an empty folder")

    def test_what_a_killed_instance_kept_serves_the_next_one(self):
        content = secrets.token_bytes(self.size)
        first = self.start_consumer(LOG_LEVEL="debug")
        first.wait_for_event("download_cache.open")
        self.warm(content, self.slugs[:1])
        first.end(signal.SIGKILL)
        second = self.start_consumer(LOG_LEVEL="debug")
        second.wait_for_event("download_cache.open")
        self.warm(content, self.slugs[1:2])
        wait_until(lambda: self.asked(second, "hit") == 1, "the count")
        self.assertEqual(self.downloaded(second), 0)


class LargeVideo(Deployment):
    """30 MB: more than Telegram looks into."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory() as folder:
            run(ROOT / "tests" / "media" / "make", folder)
            cls.content = (pathlib.Path(folder) / "large.mp4").read_bytes()

    def test_what_its_event_does_not_tell_is_declared_all_the_same(self):
        digest = self.publish_upload(self.content, "video", fileName="v.mp4")
        self.start_consumer()
        row = self.wait_ready(digest, "video")
        self.assertFalse(row["weak"])
        (sent,) = self.received()
        self.assertEqual(sent["sha256"], digest)
        declared = {name: int(sent["declared"][name]) for name in ("width", "height", "duration")}
        self.assertEqual(declared, {"width": 640, "height": 360, "duration": 20})
        self.assertGreater(sent["thumbnail_bytes"], 0)


class CorruptedObjects(Deployment):
    def test_a_corrupted_object_is_never_posted(self):
        self.start_consumer()
        for size in (1000, 3_000_000):
            with self.subTest(size=size):
                content = secrets.token_bytes(size)
                key = f"acceptance/{secrets.token_hex(8)}"
                self.put(key, content)
                promised = self.put("acceptance/other", b"what the uploader meant" * size)
                event = self.event(key, promised)
                self.publish(event)
                (letter,) = self.dead_letters(1)
                self.assertEqual(letter["headers"]["x-prewarm-reason"], "OBJECT_MISMATCH")
                self.assertEqual(json.loads(letter["body"]), event)
                self.assertEqual(self.received(), [])
                (heard,) = self.next_announcements(1)
                self.assertIn(
                    "reason: OBJECT_MISMATCH", self.decode("MediaFailed", heard["body"])
                )
                self.assertEqual(heard["routing_key"], f"media.failed.{self.bot}.document")
                self.assertEqual(self.row(promised)["status"], "failed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
