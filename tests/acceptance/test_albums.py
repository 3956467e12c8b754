"""Small photos that wait for the same chat go as albums, and Telegram's limits hold."""

import base64
import unittest

from harness import SAMPLES, Deployment, wait_until

PHOTO = (SAMPLES / "photo.jpg").read_bytes()


class WithAlbums(Deployment):
    with_limits = True
    storage_chats = tuple(range(-1008, -1000))

    def publish_photo(self, content):
        return self.publish_upload(content, "photo", bytes=str(len(content)), mimeType="image/jpeg")

    def requests(self):
        return self.sandbox_stats()["telegram"]["requests"]


class Albums(WithAlbums):
    def test_photos_get_ready_with_few_requests_and_no_violation(self):
        # Whatever follows the picture does not make it another one.
        photos = [self.publish_photo(PHOTO + bytes([number])) for number in range(80)]
        consumers = [
            self.start_consumer(PREWARM_ALBUMS="1", MEDIA_PREWARM_CONCURRENCY="32")
            for _ in range(2)
        ]
        rows = {digest: self.wait_ready(digest, "photo") for digest in photos}

        sent = {one["sha256"]: one["file_id"] for one in self.received()}
        self.assertEqual({digest: row["file_id"] for digest, row in rows.items()}, sent)
        self.assertEqual(len(self.received()), len(photos))
        self.assertEqual({row["retry_count"] for row in rows.values()}, {0})
        stats = self.sandbox_stats()
        self.assertEqual(sum(stats["violations"].values()), 0, stats["violations"])
        self.assertGreater(self.requests()["sendMediaGroup"], 0)
        self.assertLess(sum(self.requests().values()), len(photos) / 2)
        metrics = "".join(
            self.http(consumer, "/metrics", token=None)[2].decode() for consumer in consumers
        )
        in_albums = sum(
            float(line.split()[1])
            for line in metrics.splitlines()
            if line.startswith("prewarm_album_uploads_total ")
        )
        self.assertGreater(in_albums, len(photos) / 2)

    def test_one_that_is_no_picture_costs_the_others_nothing_but_time(self):
        photos = [self.publish_photo(PHOTO + bytes([number])) for number in range(5)]
        broken = self.publish_photo(b"no picture at all")
        photos += [self.publish_photo(PHOTO + bytes([number])) for number in range(100, 105)]
        self.start_consumer(PREWARM_ALBUMS="1", MEDIA_PREWARM_CONCURRENCY="32")
        for digest in photos:
            self.assertEqual(self.wait_ready(digest, "photo")["retry_count"], 0)
        # A dead letter may come twice, but only this one's: JSON, or protobuf if it had to wait.
        digest = bytes.fromhex(broken)
        for letter in self.dead_letters(1):
            spelled = base64.b64encode(digest) in letter["body"] or digest in letter["body"]
            self.assertTrue(spelled, letter)
            self.assertEqual(letter["headers"]["x-prewarm-reason"], "REJECTED_BY_TELEGRAM")
            self.assertIn("IMAGE_PROCESS_FAILED", letter["headers"]["x-prewarm-detail"])
        self.assertEqual(self.row(broken, "photo")["status"], "failed")
        self.assertEqual(len(self.received()), len(photos))
        self.assertEqual(sum(self.sandbox_stats()["violations"].values()), 0)

    def test_nobody_is_given_an_album_who_has_not_asked_for_it(self):
        photos = [self.publish_photo(PHOTO + bytes([number])) for number in range(6)]
        self.start_consumer()
        for digest in photos:
            self.wait_ready(digest, "photo")
        self.assertNotIn("sendMediaGroup", self.requests())


class StoppedAmid(WithAlbums):
    sandbox_options = ("--telegram-latency-ms", "2000")

    def test_an_album_on_its_way_loses_nothing(self):
        photos = [self.publish_photo(PHOTO + bytes([number])) for number in range(20)]
        settings = {
            "PREWARM_ALBUMS": "1",
            "MEDIA_PREWARM_CONCURRENCY": "32",
            "MEDIA_PREWARM_LEASE_MS": "5000",
        }
        first = self.start_consumer(**settings, MEDIA_PREWARM_DRAIN_MS="1000")
        wait_until(lambda: self.requests().get("sendMediaGroup"), "an album on its way")
        self.assertEqual(first.end(), 0)
        self.assertTrue(first.events("service.drain_expired"))
        self.start_consumer(**settings)
        for digest in photos:
            self.wait_ready(digest, "photo")
        self.assertEqual(sum(self.sandbox_stats()["violations"].values()), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
