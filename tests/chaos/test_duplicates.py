"""The same media in many events to several instances: one upload answers all."""

import contextlib
import json
import secrets
import unittest

from scenario import Scenario, figure

EVENTS = 20


class SameMedia(Scenario):
    sandbox_options = ("--telegram-latency-ms", "500")

    def setUp(self):
        super().setUp()
        self.key = f"chaos/{secrets.token_hex(8)}"
        self.digest = self.put(self.key, secrets.token_bytes(300))
        self.published = {}

    def publish_events(self, count):
        with contextlib.closing(self.publisher()) as publisher:
            for _ in range(count):
                event = self.event(self.key, self.digest)
                publisher.publish(json.dumps(event).encode())
                self.published[event["eventId"]] = self.digest

    def audit_one_upload(self):
        self.audit(self.published)
        self.assertEqual(len(self.published), EVENTS)
        self.assertEqual(len(self.received()), 1, "uploads")
        figure(
            f"{EVENTS} events of one media to {len(self.instances)} instances: 1 upload, answered "
            f"by {len(self.announcements.all())} announcements"
        )

    def test_events_that_wait_when_the_instances_start(self):
        self.publish_events(EVENTS)
        self.start_instances()
        self.audit_one_upload()

    def test_events_that_come_before_during_and_after_the_upload(self):
        self.start_instances()
        self.publish_events(EVENTS - 5)
        self.wait_for_ready(1)
        self.publish_events(5)
        self.audit_one_upload()


if __name__ == "__main__":
    unittest.main(verbosity=2)
