"""kill -9 between every two neighbouring steps of a job (CONTRACT section 6), by the failpoints of a
test build."""

import signal
import unittest

from acceptance import wait_until
from scenario import Scenario, figure

EVENTS = 12
# The third time that a step has ended: others are at work then, in whatever step.
STEPS = ("take", "claim", "budget", "transfer", "commit", "invalidate", "announce", "acknowledge")
FAILING_STEPS = ("dead_letter", "announce_failed")


class KilledAfterEachStep(Scenario):
    consumer_settings = {**Scenario.consumer_settings, "MEDIA_PREWARM_LEASE_MS": "2000"}

    def kill_after(self, step):
        """An instance that was killed there, as the exit status shows."""
        instance = self.start_instance(PREWARM_FAILPOINT=f"{step}:3")
        wait_until(lambda: instance.process.poll() is not None, f"an end after {step}")
        self.assertEqual(instance.process.returncode, -signal.SIGKILL, instance.log()[-2000:])
        self.instances.remove(instance)
        self.programs.remove(instance)

    def test_each_step_of_a_job_that_succeeds(self):
        published = {}
        for step in STEPS:
            with self.subTest(step=step):
                published |= self.publish_some(EVENTS)
                self.kill_after(step)
        self.start_instance()
        self.wait_until_settled(published)
        # What the killed ones had counted ended with them: the duplicates are told, not compared.
        self.assert_nothing_is_told_twice()
        self.assertEqual(self.take_dead_letters(), [])
        figure(
            f"killed after each of {len(STEPS)} steps: {len(published)} events all answered, "
            f"{self.duplicates()} duplicate uploads"
        )

    def test_each_step_of_a_job_that_fails(self):
        published = {}
        for step in FAILING_STEPS:
            with self.subTest(step=step):
                published |= self.publish_some(EVENTS, missing=True)
                self.kill_after(step)
        self.start_instance()
        self.wait_until_settled(published, failures_expected=True)
        lettered = {
            letter["headers"]["x-prewarm-reason"] for letter in self.take_dead_letters()
        }
        self.assertEqual(lettered, {"OBJECT_MISSING"})
        self.assertGreaterEqual(len(self.letters), len(published))


if __name__ == "__main__":
    unittest.main(verbosity=2)
