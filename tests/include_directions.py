#!/usr/bin/python3
"""Fails on an #include that points up or sideways where the architecture draws no arrow.

The arrows are those of the picture in docs/architecture.md. A module may include itself,
what is listed for it, and whatever those may include.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

ARROWS = {
    "common/base": [],
    "common/config": ["common/base"],
    "common/log": ["common/base"],
    "common/metrics": ["common/base"],
    "common/runtime": ["common/base"],
    "common/budget": ["common/base"],
    "common/events": ["common/base", "proto"],
    "common/amqp": ["common/runtime", "common/log"],
    "common/http": ["common/runtime", "common/log"],
    "common/redis": ["common/runtime", "common/log"],
    "common/postgres": ["common/runtime", "common/log"],
    "common/probe": ["common/base", "common/log"],
    "common/s3": ["common/http"],
    "common/downloads": ["common/s3", "common/log"],
    "common/telegram": ["common/http"],
    "common/topology": ["common/amqp", "common/events"],
    "common/media_store": ["common/postgres"],
    "consumer/warm": ["common/runtime"],
    "consumer/routes": ["common/telegram"],
    "consumer/budget": ["consumer/warm", "common/budget", "common/metrics", "common/log", "consumer"],
    "consumer/adapters": ["consumer/routes", "consumer/warm", "common/amqp", "common/budget",
                          "common/downloads", "common/events", "common/media_store",
                          "common/probe", "common/redis", "common/s3",
                          "common/telegram", "common/topology"],
    "consumer/intake": ["consumer/warm", "consumer/adapters", "common/metrics", "consumer"],
    "consumer/reconcile": ["consumer/warm", "common/events", "common/log", "common/media_store",
                           "common/metrics"],
    "consumer/admin": ["consumer/intake", "common/http", "common/media_store"],
    # The files at the top: configuration, and the service that knows all parts.
    "consumer": ["common/config", "consumer/warm", "consumer/budget", "consumer/adapters",
                 "consumer/intake", "consumer/reconcile", "consumer/routes", "consumer/admin"],
    "producer": ["common/config", "common/events", "common/media_store", "common/probe",
                 "common/s3", "common/topology"],
    "sandbox": ["common/budget", "common/http", "common/s3", "common/log"],
    "proto": [],
}  # fmt: skip

# `consumer` stands for its top-level headers that hold plain settings; these two are all that
# modules below may see of it.
SETTINGS = {"consumer/bots.hpp", "consumer/config.hpp", "consumer/dependencies.hpp"}

INCLUDE = re.compile(r'^\s*#include "([^"]+)"')


def module_of(path):
    """The innermost folder of `path` that ARROWS knows."""
    for parent in pathlib.PurePosixPath(path).parents:
        if str(parent) in ARROWS:
            return str(parent)
    return "proto" if path.startswith("prewarm/v1/") else None


def reachable(module):
    found, waiting = {module}, [module]
    while waiting:
        for below in ARROWS[waiting.pop()]:
            if below not in found:
                found.add(below)
                # What settings may be seen through `consumer` is not followed further.
                if below != "consumer" or module == "consumer":
                    waiting.append(below)
    return found


def main():
    wrong, read = [], 0
    for module in ARROWS:
        for source in (ROOT / module).rglob("*.[ch]pp"):
            path = source.relative_to(ROOT).as_posix()
            if module_of(path) != module:
                continue
            read += 1
            for number, line in enumerate(source.read_text().splitlines(), 1):
                include = INCLUDE.match(line)
                if not include:
                    continue
                target = module_of(include.group(1))
                if target is None:
                    wrong.append(f"{path}:{number}: {include.group(1)} is in no known module")
                elif target not in reachable(module) or (
                    target == "consumer" != module and include.group(1) not in SETTINGS
                ):
                    wrong.append(f"{path}:{number}: {module} must not include {include.group(1)}")
    print("\n".join(wrong) or f"the includes of {read} files follow the arrows")
    return 1 if wrong or read == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
