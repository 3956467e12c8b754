"""The ways to a file_id besides streaming, and what is done about one that is no good."""

import json
import os
import pathlib
import secrets
import unittest

from harness import BIN, SAMPLES, Deployment, run, wait_until

PHOTO = (SAMPLES / "photo.jpg").read_bytes()


class Routes(Deployment):
    def requests(self):
        """Calls of each method of the Bot API so far, but for looks whether it is there."""
        calls = self.sandbox_stats()["telegram"]["requests"]
        return {method: count for method, count in calls.items() if method != "getMe"}

    def metric(self, consumer, name):
        _, _, text = self.http(consumer, "/metrics")
        values = [line.split()[-1] for line in text.decode().splitlines() if line.startswith(name)]
        return sum(map(float, values))

    def publish_photo(self, mime_type, key=None):
        key = key or f"acceptance/{secrets.token_hex(8)}.jpg"
        digest = self.put(key, PHOTO, mime_type)
        self.publish(
            self.event(key, digest, "photo", bytes=str(len(PHOTO)), mimeType="image/jpeg")
        )
        return digest


class SecondBot(Routes):
    """Two bots that are in the same storage chats."""

    def setUp(self):
        super().setUp()
        self.first = self.bot
        self.second = f"bot-{secrets.token_hex(4)}"
        bots = pathlib.Path(self.env["PREWARM_BOTS_FILE"])
        known = json.loads(bots.read_text())
        token = f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_hex(18)}"
        known[self.second] = {"token": token, "storage_chats": self.storage_chats}
        bots.write_text(json.dumps(known))

    def warm_with_both(self, **settings):
        consumer = self.start_consumer(**settings)
        digest = self.publish_photo("image/jpeg")
        first = self.wait_ready(digest, "photo")
        self.bot = self.second
        self.publish_photo("image/jpeg")
        return consumer, first, self.wait_ready(digest, "photo")

    def test_it_gets_its_own_file_id_by_a_forward(self):
        consumer, first, second = self.warm_with_both(PREWARM_FORWARD_FANOUT="1")
        self.assertNotEqual(first["file_id"], second["file_id"])
        self.assertEqual(first["file_unique_id"], second["file_unique_id"])
        self.assertEqual((second["actual_kind"], second["weak"]), ("photo", False))
        self.assertEqual(second["bytes"], len(PHOTO))
        self.assertEqual(self.requests(), {"sendPhoto": 1, "forwardMessage": 1})
        self.assertEqual(self.metric(consumer, "prewarm_saved_bytes_total"), len(PHOTO))
        self.assertEqual(self.metric(consumer, 'prewarm_sent_total{route="forward"}'), 1)

    def test_it_uploads_unless_told_to_forward(self):
        self.warm_with_both()
        self.assertEqual(self.requests(), {"sendPhoto": 2})

    def test_it_uploads_what_cannot_be_forwarded(self):
        consumer = self.start_consumer(PREWARM_FORWARD_FANOUT="1")
        digest = self.publish_photo("image/jpeg")
        self.wait_ready(digest, "photo")
        run(
            "psql", "-XAtq", os.environ["DATABASE_URL"], "-c",
            f"UPDATE media_cache SET storage_message_id = 999999 WHERE bot_slug = '{self.first}'",
        )  # fmt: skip
        self.bot = self.second
        self.publish_photo("image/jpeg")
        row = self.wait_ready(digest, "photo")
        self.assertEqual((row["retry_count"], row["weak"]), (0, False))
        self.assertEqual(self.requests(), {"sendPhoto": 2, "forwardMessage": 1})
        self.assertEqual(self.metric(consumer, "prewarm_saved_bytes_total"), 0)


class ByUrl(Routes):
    def test_telegram_fetches_it_itself(self):
        consumer = self.start_consumer(PREWARM_URL_MODE="presigned")
        row = self.wait_ready(self.publish_photo("image/jpeg"), "photo")
        self.assertEqual((row["actual_kind"], row["weak"]), ("photo", False))
        (sent,) = self.received()
        self.assertEqual(sent["sha256"], row["sha256"])
        self.assertEqual(self.metric(consumer, 'prewarm_sent_total{route="url"}'), 1)
        self.assertEqual(
            self.metric(consumer, 'prewarm_transferred_bytes_total{direction="download"}'), 0
        )
        self.assertNotIn("X-Amz-Signature", consumer.log())

    def test_what_it_cannot_fetch_is_streamed_and_the_address_not_tried_again(self):
        consumer = self.start_consumer(PREWARM_URL_MODE="presigned")
        key = f"acceptance/{secrets.token_hex(8)}.jpg"
        digest = self.publish_photo("application/octet-stream", key)
        row = self.wait_ready(digest, "photo")
        self.assertEqual((row["retry_count"], row["weak"]), (0, False))
        self.assertEqual(self.requests(), {"sendPhoto": 2})
        why = [entry["why"] for entry in consumer.events("courier.route")]
        self.assertEqual(why[-1], "this address has failed before")
        self.assertNotIn("X-Amz-Signature", consumer.log())

    def test_a_public_address_is_required(self):
        consumer = self.start("prewarm-consumer", "--check-config", PREWARM_URL_MODE="public")
        self.assertEqual(consumer.process.wait(timeout=60), 2)
        self.assertIn("R2_PUBLIC_BASE_URL", consumer.log())


class IdsThatAreNoGood(Routes):
    def test_a_weak_one_is_tried_once_more(self):
        consumer = self.start_consumer(MEDIA_PREWARM_RETRY_WEAK_ID="1")
        # What begins every Matroska file.
        digest = self.publish_upload(b"\x1a\x45\xdf\xa3 and so on", "video", fileName="v.mkv")
        row = self.wait_ready(digest, "video")
        self.assertEqual((row["version"], row["actual_kind"], row["weak"]), (1, "document", True))
        self.assertEqual(self.requests(), {"sendVideo": 2})
        self.assertEqual(self.metric(consumer, 'prewarm_retries_total{reason="weak_id"}'), 1)
        self.assertEqual(self.metric(consumer, "prewarm_duplicate_uploads_total"), 1)

    def test_a_refused_one_is_replaced(self):
        self.start_consumer()
        digest = self.publish_photo("image/jpeg")
        first = self.wait_ready(digest, "photo")
        self.next_announcements(1)
        refused = (BIN / "prewarmctl", "refused", self.bot, digest, "photo", "--file-id")
        run(*refused, first["file_id"], env=self.env)
        second = wait_until(
            lambda: (row := self.wait_ready(digest, "photo"))["version"] == 2 and row,
            "a second version",
        )
        self.assertNotEqual(first["file_id"], second["file_id"])
        (heard,) = self.next_announcements(1)
        self.assertIn("version: 2", self.decode("MediaReady", heard["body"]))
        run(*refused, first["file_id"], env=self.env)  # By somebody who knows the old one only.
        self.assertEqual(self.wait_ready(digest, "photo")["version"], 2)


if __name__ == "__main__":
    unittest.main()
