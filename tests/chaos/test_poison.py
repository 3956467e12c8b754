"""Events that can never work, of twelve sorts, among good ones."""

import base64
import collections
import contextlib
import itertools
import json
import pathlib
import random
import secrets
import unittest

from acceptance import KINDS
from load import ObjectStore
from scenario import Scenario, figure, size

SORTS = 12
POISON_A_SORT = size("CHAOS_POISON", 120) // SORTS
GOOD = size("CHAOS_GOOD", 300)


def random_digest():
    return secrets.token_hex(32)


def base64_of(digest):
    return base64.b64encode(bytes.fromhex(digest)).decode()


class Poison(Scenario):
    def setUp(self):
        super().setUp()
        # An empty object has one digest, so that there are only as many such media as there are
        # bots and kinds.
        bots = [f"{self.bot}-{number}" for number in range(POISON_A_SORT // len(KINDS) + 1)]
        self.empty_media = itertools.product(bots, KINDS)
        shared = {"token": self.token, "storage_chats": [-1001, -1002, 77]}
        pathlib.Path(self.env["PREWARM_BOTS_FILE"]).write_text(
            json.dumps({bot: shared for bot in [self.bot, *bots]})
        )
        with contextlib.closing(ObjectStore()) as objects:
            self.empty = objects.put("chaos/empty", b"")
            objects.put("chaos/something-else", b"what nobody announced")

    def event_with(self, **changes):
        """A good event but for these; each of a media of its own."""
        return self.event("chaos/something-else", random_digest()) | changes

    def event_of_nothing(self):
        bot, kind = next(self.empty_media)
        return self.event("chaos/empty", self.empty, kind, botSlug=bot)

    def sorts(self):
        """{what is wrong: (the reason it shall have, a maker of such an event)}"""
        return {
            "not JSON": ("UNDECODABLE", lambda: b"{not json " + secrets.token_bytes(8).hex().encode()),
            "truncated": ("UNDECODABLE", lambda: json.dumps(self.event_with()).encode()[:-20]),
            "too long": ("UNDECODABLE", lambda: json.dumps(self.event_with()).encode() + b" " * 300_000),
            "deep": ("UNDECODABLE", lambda: b'{"%s":' % secrets.token_hex(8).encode() * 5_000),
            "no key": ("INVALID_EVENT", lambda: self.event_with(r2Key="")),
            "hostile key": ("INVALID_EVENT", lambda: self.event_with(r2Key="a/../../secret")),
            "short digest": ("INVALID_EVENT", lambda: self.event_with(sha256=base64_of("ab" * 31))),
            "unknown bot": ("UNKNOWN_BOT", lambda: self.event_with(botSlug="nobody")),
            "no object": ("OBJECT_MISSING", lambda: self.event_with(r2Key="chaos/missing")),
            "other content": ("OBJECT_MISMATCH", self.event_with),
            "too large": ("TOO_LARGE", lambda: self.event_with(bytes="60000000")),
            "empty object": ("REJECTED_BY_TELEGRAM", self.event_of_nothing),
        }  # fmt: skip

    def make_poison(self):
        """{body: (sort, reason)}"""
        poison = {}
        for sort, (reason, make) in self.sorts().items():
            for _ in range(POISON_A_SORT):
                event = make()
                body = json.dumps(event).encode() if isinstance(event, dict) else event
                poison[body] = (sort, reason)
        self.assertEqual(len(poison), SORTS * POISON_A_SORT, "each body is one of its own")
        return poison

    def publish_mixed(self, poison):
        """Among good events, of which it gives {event_id: digest}."""
        bodies = [*poison, *[None] * GOOD]
        random.shuffle(bodies)
        good = {}
        with (
            contextlib.closing(ObjectStore()) as objects,
            contextlib.closing(self.publisher()) as publisher,
        ):
            for body in bodies:
                if body is None:
                    key = f"chaos/{secrets.token_hex(8)}"
                    event = self.event(key, objects.put(key, secrets.token_bytes(300)))
                    good[event["eventId"]] = base64.b64decode(event["sha256"]).hex()
                    body = json.dumps(event).encode()
                publisher.publish(body)
        return good

    def test_each_sort_gets_its_reason_and_every_good_event_a_file_id(self):
        self.start_instances()
        poison = self.make_poison()
        good = self.publish_mixed(poison)
        self.until(
            lambda: len(self.take_dead_letters()) >= len(poison), f"{len(poison)} dead letters"
        )
        letters = self.audit(good, failures={reason for _, reason in poison.values()})

        self.assertEqual(collections.Counter(one["body"] for one in letters).most_common(1)[0][1], 1)
        found = collections.defaultdict(collections.Counter)
        for letter in letters:
            sort, _ = poison.get(letter["body"], ("a good event", None))
            found[sort][letter["headers"].get("x-prewarm-reason", "none, by the broker")] += 1
        self.assertEqual(
            found, {sort: {reason: POISON_A_SORT} for sort, (reason, _) in self.sorts().items()}
        )
        ready = {row["sha256"] for row in self.rows() if row["status"] == "ready"}
        self.assertEqual(ready, set(good.values()))
        told = [one for one in self.announcements.all() if not one.ready]
        self.assertEqual(
            collections.Counter(one.reason for one in told),
            collections.Counter(reason for _, reason in poison.values()),
        )
        figure(
            f"{len(poison)} poison events of {SORTS} sorts among {len(good)} good ones: all good "
            f"ones ready, all poison dead-lettered with its reason"
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
