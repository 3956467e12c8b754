"""RabbitMQ goes away while an uploader is at work."""

import json
import pathlib
import secrets
import time
import unittest

from scenario import Scenario, figure, size

FILES = size("CHAOS_UPLOADS", 120)


class UploaderWithoutABroker(Scenario):
    def test_the_rows_are_written_and_the_media_get_ready_when_it_is_back(self):
        folder = pathlib.Path(self.folder) / "files"
        folder.mkdir()
        for number in range(FILES):
            (folder / f"{number}.txt").write_text(secrets.token_hex(100))
        self.start_instances()
        upload = self.start(
            "prewarmctl", "upload", "--json", "--concurrency", "2", "--bot", self.bot, folder,
            RABBITMQ_URL=self.gated["RABBITMQ_URL"],
        )  # fmt: skip
        self.wait_for_ready(FILES // 10)
        self.gates["rabbitmq"].cut()
        status = upload.process.wait(timeout=120)
        lines = [json.loads(line) for line in upload.out_path.read_text().splitlines()]
        results = {line["event_id"]: line["result"] for line in lines}
        published = {line["event_id"]: line["sha256"] for line in lines}
        recorded = sum(result == "recorded" for result in results.values())
        self.assertEqual(status, 0, upload.log())
        self.assertEqual(len(published), FILES)
        self.assertEqual(set(results.values()), {"published", "recorded"})
        self.assertEqual({row["sha256"] for row in self.rows()}, set(published.values()))
        self.assertIn(f"{recorded} recorded only", upload.log())
        self.assertIn("RabbitMQ", upload.log())

        self.gates["rabbitmq"].open()
        returned = time.time()
        self.audit(published)
        figure(
            f"RabbitMQ gone while {FILES} files were uploaded: {recorded} were recorded only, all "
            f"ready {time.time() - returned:.1f} s after its return"
        )

    def test_a_queue_that_is_not_bound_is_asked_at_intervals(self):
        self.start_instance()
        self.wait_until_serving(self.instances[0])
        binding = f"/bindings/%2F/e/{self.prefix}prewarm/q/{self.prefix}prewarm"
        for bound in self.management.call("GET", binding):
            self.management.call("DELETE", f"{binding}/{bound['properties_key']}")
        file = pathlib.Path(self.folder) / "unbound.txt"
        file.write_text(secrets.token_hex(100))
        upload = self.start("prewarmctl", "upload", "--json", "--bot", self.bot, file)
        self.assertEqual(upload.process.wait(timeout=60), 0, upload.log())
        line = json.loads(upload.out_path.read_text())
        self.assertEqual(line["result"], "recorded", upload.log())

        def refused():
            return len(self.instances[0].events("reconcile.failed"))

        self.until(refused, "a refused publication")
        before, since = refused(), time.monotonic()
        time.sleep(3)
        # An interval is at least 375 ms; a loop without a pause would make hundreds.
        most = (time.monotonic() - since) / 0.3
        self.assertGreater(refused(), before)
        self.assertLess(refused() - before, most)

        self.management.call("POST", binding, {"routing_key": "prewarm", "arguments": {}})
        self.audit({line["event_id"]: line["sha256"]})


if __name__ == "__main__":
    unittest.main(verbosity=2)
