"""Random faults, one after the other, for a long time: nothing is lost, nothing leaks.

Under the asan build (PREWARM_BIN) every instance must also end without a report."""

import os
import pathlib
import random
import time
import unittest

from gate import DOWN, UP
from scenario import Scenario, figure, size

SOAK_S = size("CHAOS_SOAK_S", 60)
SEED = size("CHAOS_SEED", random.randrange(10**6))


def descriptors(instance):
    return len(os.listdir(f"/proc/{instance.pid}/fd"))


def memory_mib(instance):
    status = pathlib.Path(f"/proc/{instance.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


class Soak(Scenario):
    def fault(self, chance):
        """Something happens to one dependency, for some time."""
        gate = self.gates[chance.choice(list(self.gates))]
        chance.choice([
            gate.cut,
            gate.reset,
            gate.stall,
            lambda: gate.stall(DOWN),
            lambda: gate.delay(chance.randrange(1, 300)),
            lambda: gate.cut_after(chance.randrange(5_000), chance.choice([UP, DOWN])),
        ])()  # fmt: skip
        time.sleep(chance.uniform(0.1, 6))
        gate.open()
        time.sleep(chance.uniform(0, 3))

    def test_random_faults(self):
        chance = random.Random(SEED)
        self.start_instances()
        load = self.start_load()
        self.wait_for_ready(20)
        early = None
        faults = 0
        began = time.monotonic()
        while (passed_s := time.monotonic() - began) < SOAK_S:
            if early is None and passed_s > SOAK_S / 4:
                early = self.look()
            self.fault(chance)
            faults += 1
        published = load.stop()
        self.audit(published, retries_allowed=True)
        late = self.look()
        figure(
            f"{faults} random faults in {SOAK_S} s (seed {SEED}): {len(published)} events all "
            f"answered, {self.duplicates()} duplicate uploads; descriptors and MiB of each "
            f"instance: {early} early on, {late} in the end"
        )
        for (few, small), (many, large) in zip(early, late):
            # What is open at once differs with the moment: pools of connections, a look at us.
            self.assertLess(many, few + 30, "descriptors")
            if not self.sanitized():
                self.assertLess(large, small * 1.3 + 8, "MiB")
        for instance in self.instances:
            self.assertEqual(instance.end(), 0, instance.log()[-3000:])
            self.assertNotIn("ERROR: AddressSanitizer", instance.log())
            self.assertNotIn("runtime error:", instance.log())

    def look(self):
        return [(descriptors(one), round(memory_mib(one), 1)) for one in self.instances]

    @staticmethod
    def sanitized():
        """A sanitizer keeps what was freed: that is no growth of ours."""
        binary = pathlib.Path(os.environ["PREWARM_BIN"]) / "prewarm-consumer"
        return b"__asan_init" in binary.read_bytes()


if __name__ == "__main__":
    unittest.main(verbosity=2)
