"""A dependency goes away under load and comes back."""

import time

from scenario import Scenario, figure, size

OUTAGE_S = size("CHAOS_OUTAGE_S", 10)


class Watch:
    """What the instances say of themselves while something is away."""

    def __init__(self, scenario):
        self._scenario = scenario
        self.alerts = {instance.pid: set() for instance in scenario.instances}
        self.unhealthy = set()

    def look(self):
        for instance in self._scenario.instances:
            metrics = self._scenario.metrics(instance)
            self.alerts[instance.pid] |= {
                name for name, value in metrics.items()
                if (name.startswith("prewarm_breaker_open{") and value == 1)
                or (name.startswith("prewarm_dependency_up{") and value == 0)
            }  # fmt: skip
            if self._scenario.http(instance, "/healthz")[0] != 200:
                self.unhealthy.add(instance.pid)

    def for_seconds(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(min(0.5, max(0, end - time.monotonic())))


class Outage(Scenario):
    def outage(self, *names, fault="cut"):
        self.start_instances()
        load = self.start_load()
        self.wait_for_ready(20)

        watch = Watch(self)
        for name in names:
            getattr(self.gates[name], fault)()
        watch.for_seconds(OUTAGE_S)
        before = len(self.told_ready())
        for name in names:
            self.gates[name].open()
        returned = time.time()

        self.until(lambda: len(self.told_ready()) > before, "an announcement after the outage")
        resumed_s = self.told_ready()[before].heard_at - returned
        time.sleep(2)  # The load goes on: what comes after the outage is as good as before.
        published = load.stop()
        self.audit(published)
        settled_s = time.time() - returned
        what = " and ".join(names)
        figure(
            f"{what} away ({fault}) for {OUTAGE_S} s: announcing again {resumed_s:.1f} s after the "
            f"return, {len(published)} events all answered after {settled_s:.1f} s, "
            f"{self.duplicates()} duplicate uploads, no attempt burnt, no dead letter"
        )
        self.assert_told(watch, names)

    def told_ready(self):
        return [one for one in self.announcements.all() if one.ready]

    def assert_told(self, watch, names):
        """The operator saw it on every instance, and sees that it is over."""
        for name in names:
            for alert in (f'prewarm_breaker_open{{name="{name}"}}',
                          f'prewarm_dependency_up{{name="{name}"}}'):  # fmt: skip
                with self.subTest(alert=alert):
                    silent = [pid for pid, seen in watch.alerts.items() if alert not in seen]
                    self.assertEqual(silent, [], "instances that did not say so")
            with self.subTest("is over", name=name):
                self.until(
                    lambda: self.breaker_states(name) == {0},
                    f"the breaker of {name} closed on every instance", patience_s=10,
                )  # fmt: skip
        if "rabbitmq" not in names:
            with self.subTest("a dependency's absence is no reason to restart the service"):
                self.assertEqual(watch.unhealthy, set())

    def breaker_states(self, name):
        breaker = f'prewarm_breaker_open{{name="{name}"}}'
        return {self.metrics(instance).get(breaker) for instance in self.instances}
