"""Events that can never work get their reason, and good ones among them their file_id."""

import collections
import unittest

from poison import POISON_A_SORT, SORTS, PoisonScenario
from scenario import figure


class Poison(PoisonScenario):
    def test_each_sort_gets_its_reason_and_every_good_event_a_file_id(self):
        self.start_instances()
        poison = self.make_poison()
        good = self.publish_mixed(poison)
        self.until(
            lambda: len(self.take_dead_letters()) >= len(poison), f"{len(poison)} dead letters"
        )
        letters = self.audit(good, failures={reason for _, reason in poison.values()})

        bodies = [self.published_body(letter) for letter in letters]
        self.assertEqual(len(set(bodies)), len(bodies), "one letter an event")
        found = collections.defaultdict(collections.Counter)
        for letter, body in zip(letters, bodies):
            sort, _ = poison.get(body, ("a good event", None))
            found[sort][letter["headers"].get("x-prewarm-reason", "none, by the broker")] += 1
        self.assertEqual(
            found, {sort: {reason: POISON_A_SORT} for sort, (reason, _) in self.sorts().items()}
        )
        ready = {row["sha256"] for row in self.rows() if row["status"] == "ready"}
        self.assertEqual(ready, set(good.values()))
        self.assertEqual(
            collections.Counter(one.reason for one in self.told_failed()),
            collections.Counter(reason for _, reason in poison.values()),
        )
        figure(
            f"{len(poison)} poison events of {SORTS} sorts among {len(good)} good ones: all good "
            f"ones ready, all poison dead-lettered with its reason"
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
