"""Three RabbitMQ nodes, of which one is killed under load after the other."""

import time
import unittest

from scenario import Scenario, figure
from servers import Cluster


class KilledNodes(Scenario):
    """The scenario looks at the world through the third node, which stays."""

    def surroundings(self):
        self.cluster = Cluster()
        self.addCleanup(self.cluster.end)
        return {
            # Who declares a queue gets its leader: the first node, which is killed.
            "RABBITMQ_URL": self.cluster.url("c1"),
            "RABBITMQ_MANAGEMENT_URL": self.cluster.management_url("c3"),
        }

    def setUp(self):
        super().setUp()
        # The first in the list is where instances connect while all is well.
        self.gated["RABBITMQ_URL"] = ",".join(
            self.gate(name, self.cluster.url(name)) for name in Cluster.names
        )

    def leader(self):
        queue = self.management.call("GET", f"/queues/%2F/{self.prefix}prewarm")
        return queue.get("leader", "").split("@")[0]

    def test_media_get_ready_although_the_leader_and_then_another_node_are_killed(self):
        self.start_instances()
        load = self.start_load()
        self.wait_for_ready(20)
        self.until(lambda: self.leader() == "c1", "the queue led by the first node")
        figures = []
        for name in ("c1", "c2"):
            ready = sum(row["status"] == "ready" for row in self.rows())
            self.cluster.kill(name)
            killed = time.time()
            self.wait_for_ready(ready + 40)
            figures.append(f"{name} {time.time() - killed:.1f} s")
            self.cluster.start(name)
            self.cluster.wait_until_running()
        published = load.stop()
        self.audit(published)
        figure(
            f"nodes of a cluster killed under load, 40 more media ready after: "
            f"{', '.join(figures)}; {len(published)} events all answered, "
            f"{self.duplicates()} duplicate uploads"
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
