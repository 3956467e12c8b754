"""Bad input: every sort ends as a dead letter with a reason, and neighbours are unharmed."""

import base64
import hashlib
import json
import os
import pathlib
import secrets
import subprocess
import unittest

from harness import BIN, Deployment, run


class BadEvents(Deployment):
    def test_each_sort_is_dead_lettered_with_its_reason(self):
        self.start_consumer()
        key = f"acceptance/{secrets.token_hex(8)}"
        digest = self.put(key, b"fine")
        good = self.event(key, digest)
        sorts = {
            "not json": (b"{not json", "application/json", "UNDECODABLE"),
            "no protobuf": (b"\xff\xff\xff\xff", "application/x-protobuf", "UNDECODABLE"),
            "empty": (b"", "application/x-protobuf", "UNDECODABLE"),
            "truncated": (json.dumps(good).encode()[:-20], "application/json", "UNDECODABLE"),
            "another type": (b"hello", "text/plain", "UNDECODABLE"),
            "over-long": (b" " * 400_000, "application/json", "UNDECODABLE"),
            "far too long": (b" " * 3_000_000, "application/json", "UNDECODABLE"),
            "deep": (b'{"a":' * 20_000, "application/json", "UNDECODABLE"),
            "no key": ({**good, "r2Key": ""}, None, "INVALID_EVENT"),
            "hostile key": ({**good, "r2Key": "a/../../secret"}, None, "INVALID_EVENT"),
            "hex digest": ({**good, "sha256": digest}, None, "INVALID_EVENT"),
            "no kind": ({**good, "kind": "MEDIA_KIND_UNSPECIFIED"}, None, "INVALID_EVENT"),
            "bad slug": ({**good, "botSlug": "No Slug!"}, None, "INVALID_EVENT"),
            "other bucket": ({**good, "r2Bucket": "somebody-elses"}, None, "INVALID_EVENT"),
            "unknown bot": ({**good, "botSlug": "nobody"}, None, "UNKNOWN_BOT"),
            "no object": (
                {**good, "r2Key": "acceptance/missing",
                 "sha256": base64.b64encode(hashlib.sha256(b"missing").digest()).decode()},
                None, "OBJECT_MISSING",
            ),
        }  # fmt: skip
        neighbours = []
        for body, content_type, _ in sorts.values():
            self.publish(body, content_type or "application/json")
            neighbours.append(self.publish_upload(secrets.token_bytes(100)))

        for neighbour in neighbours:
            self.wait_ready(neighbour)
        letters = self.dead_letters(len(sorts))
        by_body = {letter["body"]: letter["headers"] for letter in letters}
        for sort, (body, _, reason) in sorts.items():
            with self.subTest(sort=sort):
                raw = json.dumps(body).encode() if isinstance(body, dict) else body
                headers = by_body[raw]
                self.assertEqual(headers["x-prewarm-reason"], reason)
                self.assertTrue(headers["x-prewarm-detail"])
                for name in ("attempts", "first-seen", "failed-at", "instance", "replays"):
                    self.assertIn(f"x-prewarm-{name}", headers)
        failures = [
            heard for heard in self.next_announcements(len(sorts) + len(neighbours))
            if heard["properties"]["type"] == "prewarm.v1.MediaFailed"
        ]  # fmt: skip
        self.assertEqual(len(failures), len(sorts))


class RefusedUploads(Deployment):
    def test_a_lookup_of_a_refused_upload_says_that_it_failed(self):
        consumer = self.start_consumer()
        path = pathlib.Path(self.folder) / "refused.txt"
        path.write_bytes(secrets.token_bytes(20))
        run(BIN / "prewarmctl", "upload", "--bot", "nobody-we-know", path, env=self.env)
        self.dead_letters(1)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        status, _, body = self.http(consumer, f"/api/media/nobody-we-know/{digest}/document")
        self.assertEqual(status, 410, body)
        self.assertIn("PREWARM_BOTS_FILE", json.loads(body)["error"]["message"])


class WrongSurroundings(Deployment):
    def consumer_refuses(self, **settings):
        """Its complaint; it must refuse to start with exit status 2."""
        done = subprocess.run(
            [str(BIN / "prewarm-consumer")], env={**self.env, **settings}, capture_output=True,
            timeout=60,
        )  # fmt: skip
        self.assertEqual(done.returncode, 2, done.stderr.decode())
        return done.stderr.decode()

    def test_all_problems_with_the_variables_are_told_at_once(self):
        complaint = self.consumer_refuses(
            MEDIA_PREWARM_CONCURRENCY="many", R2_BUCKET="", LOG_FORMAT="xml", DATABASE_URL=""
        )
        for name in ("MEDIA_PREWARM_CONCURRENCY", "R2_BUCKET", "LOG_FORMAT", "DATABASE_URL"):
            self.assertIn(name, complaint)

    def test_no_secret_is_told(self):
        consumer = self.start_consumer()
        consumer.end()
        shown = consumer.log()
        for secret in (self.token, os.environ["R2_SECRET_ACCESS_KEY"], self.env["ADMIN_API_TOKEN"]):
            self.assertNotIn(secret, shown)
        self.assertIn("***", shown)

    def test_an_existing_queue_with_other_arguments_is_named_with_both_sides(self):
        prefix = f"t{secrets.token_hex(4)}."
        self.management.call(
            "PUT", f"/queues/%2F/{prefix}prewarm",
            {
                "durable": True,
                "arguments": {
                    "x-queue-type": "quorum",
                    "x-dead-letter-exchange": f"{prefix}prewarm.dlx",
                    "x-dead-letter-routing-key": "prewarm.dlq",
                    "x-dead-letter-strategy": "at-least-once",
                    "x-overflow": "reject-publish",
                    "x-delivery-limit": 7,
                },
            },
        )  # fmt: skip
        try:
            complaint = self.consumer_refuses(RABBITMQ_PREFIX=prefix)
            self.assertIn("x-delivery-limit", complaint)
            self.assertIn("7", complaint)
            self.assertIn("50", complaint)
            done = run(
                BIN / "prewarmctl", "topology",
                env={**self.env, "RABBITMQ_PREFIX": prefix}, check=False,
            )  # fmt: skip
            self.assertEqual(done.returncode, 2)
            self.assertIn("x-delivery-limit", done.stderr.decode())
        finally:
            self.management.call("DELETE", f"/queues/%2F/{prefix}prewarm")

    def test_a_port_in_use_is_named(self):
        consumer = self.start_consumer()
        address = consumer.admin.removeprefix("http://")
        self.assertIn(address, self.consumer_refuses(ADMIN_LISTEN=address))


if __name__ == "__main__":
    unittest.main(verbosity=2)
