"""Running it: several instances, stopping, the HTTP routes."""

import json
import re
import secrets
import signal
import unittest

from harness import Deployment, wait_until


class TwoInstances(Deployment):
    sandbox_options = ("--telegram-latency-ms", "150")

    def publish_many(self, count):
        return [self.publish_upload(secrets.token_bytes(500)) for _ in range(count)]

    def test_one_is_stopped_during_work_and_the_other_finishes(self):
        first = self.start_consumer(MEDIA_PREWARM_CONCURRENCY="4")
        second = self.start_consumer(MEDIA_PREWARM_CONCURRENCY="4")
        digests = self.publish_many(60)
        first.wait_for_event("job.ready")
        second.wait_for_event("job.ready")
        self.assertEqual(first.end(signal.SIGTERM), 0)
        for digest in digests:
            self.wait_ready(digest)
        self.assertEqual(len(self.next_announcements(60)), 60)
        self.assertEqual(len(self.received()), 60, "nothing was sent twice")
        self.assertEqual(self.management.take(f"{self.prefix}prewarm.dlq"), [])

    def test_one_is_killed_during_work_and_the_other_finishes(self):
        short_lease = {"MEDIA_PREWARM_CONCURRENCY": "4", "MEDIA_PREWARM_LEASE_MS": "2000"}
        first = self.start_consumer(**short_lease)
        self.start_consumer(**short_lease)
        digests = self.publish_many(60)
        first.wait_for_event("job.ready")
        first.end(signal.SIGKILL)
        file_ids = {self.wait_ready(digest)["file_id"] for digest in digests}
        told = set()

        def everybody_is_told():
            for heard in self.management.take(self.heard):
                ready = self.decode("MediaReady", heard["body"])
                self.assertIn("version: 1", ready)
                told.add(re.search(r'file_id: "([^"]+)"', ready).group(1))
            return told >= file_ids

        wait_until(everybody_is_told, "an announcement of each media")
        self.assertEqual(told, file_ids, "no version is told with two file_ids")
        self.assertEqual(self.management.take(f"{self.prefix}prewarm.dlq"), [])


class SlowTelegram(Deployment):
    sandbox_options = ("--telegram-latency-ms", "5000")

    def test_a_media_at_work_is_not_ready_yet(self):
        consumer = self.start_consumer()
        digest = self.publish_upload(b"at work")
        wait_until(lambda: self.row(digest), "the claim")
        path = f"/api/media/{self.bot}/{digest}/document"
        status, headers, body = self.http(consumer, path)
        self.assertEqual((status, json.loads(body)["status"]), (202, "warming"))
        self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        self.wait_ready(digest)
        self.assertEqual(self.http(consumer, path)[0], 200)

    def test_work_in_flight_is_given_back_when_the_drain_time_is_up(self):
        consumer = self.start_consumer(MEDIA_PREWARM_DRAIN_MS="0")
        digest = self.publish_upload(secrets.token_bytes(500))
        wait_until(lambda: self.sandbox_stats()["telegram"]["at_once"]["now"] == 1, "the upload")
        self.assertEqual(consumer.end(signal.SIGTERM), 0)
        row = self.row(digest)
        self.assertEqual(
            (row["status"], row["lease_until"], row["starts"], row["retry_count"]),
            ("warming", None, 0, 0),
        )
        self.start_consumer()
        self.wait_ready(digest)

    def test_a_media_at_work_elsewhere_holds_up_nobody(self):
        self.start_consumer(MEDIA_PREWARM_CONCURRENCY="1")
        key = f"acceptance/{secrets.token_hex(8)}"
        digest = self.put(key, b"wanted by many")
        self.publish(self.event(key, digest))
        wait_until(lambda: self.row(digest), "the claim")
        other = self.start_consumer(MEDIA_PREWARM_CONCURRENCY="1")
        for _ in range(2):
            self.publish(self.event(key, digest))
        neighbour = self.publish_upload(b"of another")
        self.wait_ready(neighbour)
        self.wait_ready(digest)
        answered = set()

        def every_event_is_answered():
            for heard in self.management.take(self.heard):
                ready = self.decode("MediaReady", heard["body"])
                answered.update(re.findall(r'upload_event_ids: "([^"]+)"', ready))
            return len(answered) == 4

        wait_until(every_event_is_answered, "an answer to each of four events")
        self.assertEqual(len(self.received()), 2, "each was sent once")
        self.assertEqual(other.end(), 0)


class HttpRoutes(Deployment):
    def test_health_and_readiness(self):
        consumer = self.start_consumer()
        wait_until(lambda: self.http(consumer, "/healthz")[0] == 200, "healthy")
        wait_until(lambda: self.http(consumer, "/readyz")[0] == 200, "ready")
        answer = json.loads(self.http(consumer, "/readyz")[2])
        self.assertEqual(
            answer["dependencies"],
            {name: "up" for name in ("postgres", "r2", "rabbitmq", "redis", "telegram")},
        )

    def test_readiness_names_what_is_away(self):
        consumer = self.start_consumer(REDIS_URL="redis://127.0.0.1:1/0")
        wait_until(
            lambda: json.loads(self.http(consumer, "/readyz")[2])["dependencies"].get("postgres")
            == "up",
            "PostgreSQL up",
        )
        status, _, body = self.http(consumer, "/readyz")
        self.assertEqual(status, 503)
        self.assertNotEqual(json.loads(body)["dependencies"]["redis"], "up")

    def test_metrics_count_what_happened(self):
        consumer = self.start_consumer()
        self.wait_ready(self.publish_upload(b"counted"))
        self.next_announcements(1)

        def counted():
            text = self.http(consumer, "/metrics", token=None)[2].decode()
            return 'prewarm_jobs_total{kind="document",outcome="ready"} 1' in text and text

        text = wait_until(counted, "the job in the metrics")
        for stage in ("queue", "claim", "budget", "r2_first_byte", "transfer", "telegram",
                      "commit", "invalidate", "announce", "total"):  # fmt: skip
            self.assertIn(f'prewarm_job_duration_seconds_count{{stage="{stage}"}} 1', text)
        for name in ("jobs_in_flight", "concurrency_limit", "utilization_ratio",
                     "deliveries_buffered", "duplicate_uploads_total", "build_info"):  # fmt: skip
            self.assertRegex(text, rf"(?m)^prewarm_{name}\b")
        self.assertIn('prewarm_transferred_bytes_total{direction="upload"} 7', text)
        wait_until(
            lambda: re.search(
                rf'prewarm_queue_depth{{queue="{re.escape(self.prefix)}prewarm"}} 0',
                self.http(consumer, "/metrics", token=None)[2].decode(),
            ),
            "the queue's depth",
        )

    def test_an_operator_stops_and_starts_the_work(self):
        consumer = self.start_consumer()
        base = "/api/admin/media/prewarm"
        self.assertEqual(self.http(consumer, f"{base}/worker/stop", "POST")[0], 200)
        digest = self.publish_upload(b"waits")
        state = json.loads(self.http(consumer, f"{base}/metrics")[2])
        self.assertTrue(state["paused"])
        self.assertEqual(state["active_workers"], 0)
        wait_until(
            lambda: json.loads(self.http(consumer, f"{base}/metrics")[2])["queue_size"] == 1,
            "one event in the queue",
        )
        self.assertIsNone(self.row(digest))
        self.assertEqual(self.http(consumer, f"{base}/worker/start", "POST")[0], 200)
        self.wait_ready(digest)
        wait_until(
            lambda: json.loads(self.http(consumer, f"{base}/metrics")[2])["totals"]["ready"] == 1,
            "the job in the totals",
        )

    def test_lookups_answer_each_state(self):
        consumer = self.start_consumer()
        digest = self.publish_upload(b"looked up")
        row = self.wait_ready(digest)
        status, _, body = self.http(consumer, f"/api/media/{self.bot}/{digest}/document")
        self.assertEqual(status, 200)
        answer = json.loads(body)
        self.assertEqual(answer["status"], "ready")
        for name in ("file_id", "file_unique_id", "actual_kind", "version"):
            self.assertEqual(answer[name], row[name])
        unknown = f"/api/media/{self.bot}/{'0' * 64}/document"
        self.assertEqual(self.http(consumer, unknown)[0], 404)
        self.assertEqual(self.http(consumer, f"/api/media/{self.bot}/x/document")[0], 400)

        self.publish(self.event("acceptance/missing", "1" * 64))
        self.dead_letters(1)
        status, _, body = self.http(consumer, f"/api/media/{self.bot}/{'1' * 64}/document")
        self.assertEqual(status, 410)
        self.assertEqual(json.loads(body)["error"]["code"], "MEDIA_FAILED")

    def test_the_api_wants_its_token(self):
        consumer = self.start_consumer()
        path = "/api/admin/media/prewarm/metrics"
        self.assertEqual(self.http(consumer, path, token=None)[0], 401)
        self.assertEqual(self.http(consumer, path, token="wrong")[0], 401)
        tokenless = self.start_consumer(ADMIN_API_TOKEN="")
        self.assertEqual(self.http(tokenless, path)[0], 403)


if __name__ == "__main__":
    unittest.main(verbosity=2)
