#!/usr/bin/python3
"""Makes docs/load.md and its pictures of the files that test_load.py has left.

    report.py FOLDER_OF_RESULTS FOLDER_OF_DOCS
"""

import collections
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

ORDER = [
    "instances-1", "instances-3", "instances-10", "storm", "kicked", "redis-restarted",
    "many-chats", "equal-sizes", "large-uploads",
]  # fmt: skip
TITLES = {
    "instances-1": "1 instance",
    "instances-3": "3 instances",
    "instances-10": "10 instances",
    "storm": "3 instances, one send in twenty refused with 429 for a while",
    "kicked": "3 instances, one chat kicks the bot",
    "redis-restarted": "3 instances, Redis killed and empty again in the middle",
    "many-chats": "3 instances, 120 chats",
    "equal-sizes": "200 objects of 1.5 MB each",
    "large-uploads": "150 objects of 20 MB",
}
HEAD = """# Load

Many media against Telegram's limits, as `prewarm-sandbox` enforces them (docs/sandbox.md): {media}
media of realistic sizes, all known at the start, everything on one machine. Made by `scripts/load`;
one run each.

*At best* is what the limits allow: twenty messages to each of the chats in any minute, thirty a
second from the bot. *Planned* is what `prewarm-sandbox plan` had said. *Violations* are sends that
the sandbox refused because a limit was broken{violations}. Runs that took over 5 % more than at
best: {late}; that took over 10 % more or less than planned: {unplanned}. (Where sizes bind, no *at
best* counts them: there the plan is the measure.)

| | media | at best | took | more than at best | planned | media a minute | violations | duplicate uploads | questions to Redis a job |
|---|---|---|---|---|---|---|---|---|---|
"""


def row(result):
    more = (result["seconds"] / result["least_s"] - 1) * 100
    return (
        f"| {TITLES[result['name']]} | {result['media']:,} | {result['least_s']:.0f} s "
        f"| {result['seconds']:.0f} s | {more:+.1f} % | {result['plan']['seconds']:.0f} s "
        f"| {result['per_minute']:,} | {sum(result['violations'].values())} "
        f"| {result['duplicates']} | {result['questions_per_job']} |\n"
    )


def a_minute(moments):
    """How many in each ten seconds, as a rate a minute."""
    counts = collections.Counter(int(moment // 10) for moment in moments)
    last = int(moments[-1] // 10)
    return [10 * tenth for tenth in range(last + 1)], [6 * counts[tenth] for tenth in range(last + 1)]


def draw(result, folder):
    series = result["series"]
    samples = series["samples"]
    seconds = [sample["s"] for sample in samples]
    figure, ((throughput, waiting), (latency, usage)) = plt.subplots(2, 2, figsize=(11, 7))

    throughput.step(*a_minute(series["posted"]), where="post")
    allowed = min(20 * result["chats"], 1800)
    throughput.axhline(allowed, linestyle="--", label="allowed in the long run")
    throughput.set(title="posted, a minute", xlabel="s")
    throughput.legend()

    waiting.plot(seconds, [sample["queue"] for sample in samples], label="in RabbitMQ")
    waiting.plot(seconds, [sample.get("warming", 0) for sample in samples], label="not ready")
    waiting.set(title="waiting", xlabel="s")
    waiting.legend()

    ready = series["ready"]
    shares = [100 * (place + 1) / len(ready) for place in range(len(ready))]
    latency.plot(ready, shares)
    latency.set(title="ready, % of all media", xlabel="s after the start")

    # Of each minute that ends at a moment, what was posted in it.
    moments, used, first = series["posted"], [], 0
    for place, moment in enumerate(moments):
        while moments[first] <= moment - 60:
            first += 1
        used.append(100 * (place - first + 1) / (20 * result["chats"]))
    usage.plot(moments, used)
    usage.axhline(100, linestyle="--")
    usage.set(title="of the chats' limit, % used in the minute before", xlabel="s")

    figure.suptitle(TITLES[result["name"]])
    figure.tight_layout()
    figure.savefig(folder / f"{result['name']}.png", dpi=80)
    plt.close(figure)


def names(runs):
    return ", ".join(TITLES[run["name"]] for run in runs) or "none"


def quantiles(result):
    values = result["ready_after_s"]
    return f"| {TITLES[result['name']]} | {values['p50']:.0f} s | {values['p95']:.0f} s | {values['p99']:.0f} s |\n"


def main():
    results_folder, docs = map(pathlib.Path, sys.argv[1:])
    found = {file.stem: json.loads(file.read_text()) for file in results_folder.glob("*.json")}
    runs = [found[name] for name in ORDER if name in found]
    pictures = docs / "load"
    pictures.mkdir(parents=True, exist_ok=True)
    text = HEAD.format(
        media=f"{max(result['media'] for result in runs):,}",
        violations=": in no run" * (not any(result["violations"] for result in runs)),
        late=names(run for run in runs if run["seconds"] > 1.05 * run["least_s"]),
        unplanned=names(
            run for run in runs if abs(run["seconds"] / run["plan"]["seconds"] - 1) > 0.1
        ),
    )
    text += "".join(map(row, runs))
    text += "\n## When a media is ready, after the start\n\n| | p50 | p95 | p99 |\n|---|---|---|---|\n"
    text += "".join(map(quantiles, runs))
    if fairness := found.get("fairness"):
        text += (
            "\n## Two bots\n\n"
            f"One bot gets {fairness['flood']:,} media at once, another one ten photos. Those ten "
            f"were ready after {fairness['idle_s']} s with nothing else to do, "
            f"{fairness['right_after_the_flood_s']} s when published right behind the flood, and "
            f"{fairness['a_minute_later_s']} s a minute later, while the flood went on.\n"
        )
    text += "\n## Pictures\n"
    for result in runs:
        draw(result, pictures)
        text += f"\n### {TITLES[result['name']]}\n\n![](load/{result['name']}.png)\n"
    (docs / "load.md").write_text(text)


if __name__ == "__main__":
    main()
