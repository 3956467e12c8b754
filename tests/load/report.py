#!/usr/bin/python3
"""Makes docs/load.md and its pictures of the files that test_load.py has left.

    report.py FOLDER_OF_RESULTS FOLDER_OF_DOCS
"""

import collections
import json
import pathlib
import subprocess
import sys
import textwrap

ORDER = [
    "instances-1", "instances-3", "instances-10", "storm", "kicked", "redis-restarted",
    "many-chats", "equal-sizes", "untold-sizes", "large-uploads",
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
    "untold-sizes": "the same, of events that do not tell the size",
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
    return [(10 * tenth, 6 * counts[tenth]) for tenth in range(int(moments[-1] // 10) + 1)]


def used(moments, allowed):
    """Of each minute that ends at a moment, the share of what is allowed that was posted in it."""
    shares, first = [], 0
    for place, moment in enumerate(moments):
        while moments[first] <= moment - 60:
            first += 1
        shares.append((moment, 100 * (place - first + 1) / allowed))
    return shares


def draw(result, folder):
    """Four plots in one picture. What gnuplot reads are its own words and our numbers."""
    series = result["series"]
    samples = series["samples"]
    ready = series["ready"]
    in_a_minute = 20 * result["chats"]
    blocks = {
        "posted": a_minute(series["posted"]),
        "queue": [(sample["s"], sample["queue"]) for sample in samples],
        "warming": [(sample["s"], sample.get("warming", 0)) for sample in samples],
        "ready": [(moment, 100 * (place + 1) / len(ready)) for place, moment in enumerate(ready)],
        "used": used(series["posted"], in_a_minute),
    }
    data = "".join(
        f"${name} << EOD\n" + "".join(f"{x} {y}\n" for x, y in points) + "EOD\n"
        for name, points in blocks.items()
    )
    plots = f"""
        set terminal png size 1100,700
        set output '{folder / result["name"]}.png'
        set multiplot layout 2,2 title "{TITLES[result["name"]]}"
        set xlabel 's'
        set xrange [0:*]
        set yrange [0:*]
        set key bottom left
        set title 'posted, a minute'
        plot $posted with steps notitle, {min(in_a_minute, 1800)} dashtype 2 title 'allowed in the long run'
        set key top right
        set title 'waiting'
        plot $queue with lines title 'in RabbitMQ', $warming with lines title 'not ready'
        set title 'ready, % of all media'
        set xlabel 's after the start'
        plot $ready with lines notitle
        set title 'of the chats limit, % used in the minute before'
        set xlabel 's'
        plot $used with lines notitle, 100 dashtype 2 notitle
    """
    subprocess.run(["gnuplot"], input=data + textwrap.dedent(plots), text=True, check=True)


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
