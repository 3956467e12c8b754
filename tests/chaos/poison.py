"""Events that can never work, of twelve sorts, and good ones to put them among."""

import base64
import contextlib
import hashlib
import itertools
import json
import pathlib
import random
import secrets

from acceptance import KINDS
from announcements import fields_of
from load import ObjectStore
from scenario import Scenario, size

SORTS = 12
POISON_A_SORT = size("CHAOS_POISON", 120) // SORTS
GOOD = size("CHAOS_GOOD", 300)


def base64_of(digest):
    return base64.b64encode(bytes.fromhex(digest)).decode()


def is_protobuf(message):
    """An event is published as JSON; one that had to wait comes back as its row has it."""
    return message["properties"].get("content_type") == "application/x-protobuf"


def upload_event_id(message):
    if is_protobuf(message):
        return fields_of(message["body"])[1][0].decode()
    return json.loads(message["body"])["eventId"]


class PoisonScenario(Scenario):
    def setUp(self):
        super().setUp()
        # An empty object has one digest, so that there are only as many such media as there are
        # bots and kinds.
        bots = [f"{self.bot}-{number}" for number in range(POISON_A_SORT // len(KINDS) + 1)]
        self.empty_media = itertools.product(bots, KINDS)
        self.unknown_bot = f"{self.bot}-unknown"
        self.known_bots = [self.bot, *bots]
        self.write_bots(self.known_bots)
        self.bodies = {}  # As published, by event id: of the poison that can be read.
        self.right_contents = {}  # By key: what would make poison of two of the sorts good.
        self.objects = ObjectStore()
        self.addCleanup(self.objects.close)
        self.empty = self.objects.put("chaos/empty", b"")

    def write_bots(self, bots):
        shared = {"token": self.token, "storage_chats": [-1001, -1002, 77]}
        pathlib.Path(self.env["PREWARM_BOTS_FILE"]).write_text(
            json.dumps({bot: shared for bot in bots})
        )

    def event_with(self, **changes):
        """A good event but for these; each of a media of its own."""
        key = f"chaos/{secrets.token_hex(8)}"
        return self.event(key, self.objects.put(key, secrets.token_bytes(300)), **changes)

    def event_of_nothing(self):
        bot, kind = next(self.empty_media)
        return self.event("chaos/empty", self.empty, kind, botSlug=bot)

    def event_of_no_object(self):
        key, content = f"chaos/missing-{secrets.token_hex(8)}", secrets.token_bytes(300)
        self.right_contents[key] = content
        return self.event(key, hashlib.sha256(content).hexdigest())

    def event_of_other_content(self):
        event = self.event_of_no_object()
        self.objects.put(event["r2Key"], b"what nobody announced")
        return event

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
            "unknown bot": ("UNKNOWN_BOT", lambda: self.event_with(botSlug=self.unknown_bot)),
            "no object": ("OBJECT_MISSING", self.event_of_no_object),
            "other content": ("OBJECT_MISMATCH", self.event_of_other_content),
            "too large": ("TOO_LARGE", lambda: self.event_with(bytes="60000000")),
            "empty object": ("REJECTED_BY_TELEGRAM", self.event_of_nothing),
        }  # fmt: skip

    def make_poison(self):
        """{body: (sort, reason)}"""
        poison = {}
        for sort, (reason, make) in self.sorts().items():
            for _ in range(POISON_A_SORT):
                event = body = make()
                if isinstance(event, dict):
                    body = self.bodies[event["eventId"]] = json.dumps(event).encode()
                poison[body] = (sort, reason)
        self.assertEqual(len(poison), SORTS * POISON_A_SORT, "each body is one of its own")
        return poison

    def published_body(self, letter):
        """Of a letter whose event may have had to wait."""
        if not is_protobuf(letter):
            return letter["body"]
        return self.bodies.get(upload_event_id(letter), letter["body"])

    def publish_mixed(self, poison, good_ones=GOOD):
        """Among good events, of which it gives {event_id: digest}."""
        bodies = [*poison, *[None] * good_ones]
        random.shuffle(bodies)
        good = {}
        with contextlib.closing(self.publisher()) as publisher:
            for body in bodies:
                if body is None:
                    event = self.event_with()
                    good[event["eventId"]] = base64.b64decode(event["sha256"]).hex()
                    body = json.dumps(event).encode()
                publisher.publish(body)
        return good

    def told_failed(self):
        return [one for one in self.announcements.all() if not one.ready]
