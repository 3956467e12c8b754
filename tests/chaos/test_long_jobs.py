"""Deliveries that are held for long: the broker takes one back that is not settled within its
consumer_timeout. A test build, whose patience of fifteen minutes is made one of a second and a
half."""

import signal
import unittest

from gate import DOWN
from scenario import Scenario

EVENTS = 4


class LongJobs(Scenario):
    consumer_settings = {
        **Scenario.consumer_settings,
        "MEDIA_PREWARM_CONCURRENCY": str(EVENTS),
        "MEDIA_PREWARM_LEASE_MS": "2000",
        "PREWARM_HURRY": "600",
    }

    def hold_jobs(self):
        """Jobs at work whose events only the ledger has."""
        instance = self.start_instance()
        self.wait_until_serving(instance)
        self.gates["telegram"].stall(DOWN)
        published = self.publish_some(EVENTS)
        self.until(
            lambda: len(instance.events("job.handed_over")) == EVENTS, "jobs that are handed over"
        )
        self.until(lambda: self.upload_queue().get("messages") == 0, "a queue that holds nothing")
        self.assertEqual({row["status"] for row in self.rows()}, {"warming"})
        return instance, published

    def test_the_ledger_has_what_is_at_work_for_long(self):
        _, published = self.hold_jobs()
        self.gates["telegram"].open()
        self.audit(published)
        self.assertEqual(self.duplicates(), 0)

    def test_what_was_handed_over_survives_its_worker(self):
        instance, published = self.hold_jobs()
        instance.end(signal.SIGKILL)
        self.instances.remove(instance)
        self.programs.remove(instance)
        self.gates["telegram"].open()
        self.start_instance()
        # What the killed one had counted ended with it: the duplicates are not compared.
        self.wait_until_settled(published)
        self.assert_nothing_is_told_twice()
        self.assertEqual(self.take_dead_letters(), [])

    def test_what_no_ledger_has_goes_back_to_the_queue(self):
        instance = self.start_instance()
        self.wait_until_serving(instance)
        self.gates["postgres"].stall()
        published = self.publish_some(EVENTS)
        self.until(lambda: self.redelivered() >= EVENTS, "events that were given back")
        self.gates["postgres"].open()
        self.audit(published)

    def test_what_waits_behind_long_jobs_is_given_to_others(self):
        instance = self.start_instance(MEDIA_PREWARM_MAX_QUEUE=str(2 * EVENTS))
        self.wait_until_serving(instance)
        self.gates["telegram"].stall(DOWN)
        published = self.publish_some(2 * EVENTS)
        self.until(lambda: self.redelivered() >= EVENTS, "events that were given back")
        self.gates["telegram"].open()
        self.audit(published)
        self.assertEqual(self.duplicates(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
