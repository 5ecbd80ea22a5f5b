"""How the interactions of a set are spread, in plots, with the same figures in tables beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import pairwise

from chalicelib.documents import Activity, SetReport
from chalicelib.reports.elements import BAR_WIDTH, LABEL_WIDTH, VALUE_WIDTH, chart, details, table

HEIGHT = 120
WIDTH = LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH
_SHOWN = 5  # gaps
_DAY = 86_400


def activity_plots(data: SetReport) -> list[str]:
    """The plots of an export's interactions; none for one that has none."""
    activity = data.activity
    if activity is None:
        return []
    summary = data.summary("interactions")
    events = summary.event_types if summary else {}
    return [
        "<h3>Interactions over time</h3>",
        _days(activity, data.last),
        *_gaps(activity),
        "<h3>How they are spread</h3>",
        _spread("users", activity.per_user),
        _spread("items", activity.per_item),
        *_events(events),
        _beside(activity, data.last),
    ]


# -- over time -------------------------------------------------------------------------------------


def _days(activity: Activity, last: Activity | None) -> str:
    """A bar for each day that has any; the set before as a line over it."""
    days = [*activity.days, *(last.days if last else ())]
    first, end = min(day for day, _ in days), max(day for day, _ in days) + activity.step
    top = max(n / one.step for one in (activity, last) if one for _, n in one.days)
    scale = WIDTH / max(end - first, 1)

    def place(day: int, n: int, step: int) -> tuple[float, float]:
        return (day - first) * scale, HEIGHT * n / step / top

    width = max(activity.step * scale - 0.5, 0.5)
    bars = "".join(
        f'<rect x="{x:.1f}" y="{HEIGHT - high:.1f}" width="{width:.1f}" height="{max(high, 1):.1f}">'
        f"<title>{_date(day)}: {n:,}</title></rect>"
        for day, n in activity.days
        for x, high in (place(day, n, activity.step),)
    )
    line = ""
    if last:
        points = (place(day, n, last.step) for day, n in last.days)
        joined = " ".join(f"{x:.1f},{HEIGHT - high:.1f}" for x, high in points)
        line = f'<polyline points="{joined}"><title>the set before</title></polyline>'
    each = "a day" if activity.step == 1 else f"in {activity.step} days"
    title = f"Interactions {each}" + ("; the line is the set before" if last else "")
    rows = [[_date(day), f"{n:,}"] for day, n in activity.days]
    svg = (
        f'<svg role="img" aria-label="{title}" viewBox="0 0 {WIDTH} {HEIGHT + 20}">{bars}{line}'
        f'<text x="0" y="{HEIGHT + 15}">{_date(first)}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 15}" text-anchor="end">{_date(end - 1)}</text></svg>'
    )
    beside = details("as a table", table(title, ["from", "interactions"], rows))
    return f"<p>{escape(title)}, at most {top:,.0f} a day</p>{svg}{beside}"


def _gaps(activity: Activity) -> Iterator[str]:
    """Days without any interaction between two with some, the longest first."""
    found = [
        (after - before - activity.step, before + activity.step)
        for (before, _), (after, _) in pairwise(activity.days)
        if after - before > activity.step
    ]
    if not found:
        return
    longest = sorted(found, key=lambda gap: (-gap[0], gap[1]))
    told = ", ".join(
        f"{days:,} {'day' if days == 1 else 'days'} from {_date(day)}"
        for days, day in longest[:_SHOWN]
    )
    more = f", and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    yield f"<p>Without interactions: {told}{more}</p>"


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY, UTC).strftime("%Y-%m-%d")


# -- over users, items and events ------------------------------------------------------------------


def _spread(what: str, powers: Sequence[int]) -> str:
    """How many have so many interactions; lengths are logarithms, so that the few are seen, too."""
    top = math.log1p(max(powers))
    rows = [
        (_range(power), f"{count:,}", 0.0, math.log1p(count) / top)
        for power, count in enumerate(powers)
    ]
    title = f"{what.capitalize()} by their number of interactions"
    cells = [[label, value] for label, value, _, _ in rows]
    beside = details("as a table", table(title, ["interactions", what], cells))
    return f"<p>{title} (logarithmic)</p>{chart(title, rows)}{beside}"


def _range(power: int) -> str:
    first, end = 2**power, 2 ** (power + 1) - 1
    return "1" if power == 0 else f"{first:,} to {end:,}"


def _events(events: dict[str, int]) -> Iterator[str]:
    if not events:
        return
    top = max(events.values())
    title = "Interactions by event type"
    rows = [(name, f"{n:,}", 0.0, n / top) for name, n in events.items()]
    cells = [[name, value] for name, value, _, _ in rows]
    beside = details("as a table", table(title, ["event type", "interactions"], cells))
    yield f"<p>{title}</p>{chart(title, rows)}{beside}"


# -- beside the last set ---------------------------------------------------------------------------


def _beside(activity: Activity, last: Activity | None) -> str:
    rows = []
    before = _measures(last) if last else {}
    for name, now in _measures(activity).items():
        cells = [name, _figure(now)]
        if before:
            change = f"{(now - before[name]) / before[name]:+.1%}" if before[name] else ""
            cells += [_figure(before[name]), change]
        rows.append(cells)
    heads = ["what", "this set"] if last is None else ["what", "this set", "the last", "change"]
    return table("This set" + (" beside the last" if last else ""), heads, rows)


def _measures(activity: Activity) -> dict[str, float]:
    return {
        "interactions": activity.rows,
        "users": activity.users,
        "items with interactions": activity.items,
        "items without": activity.cold_items,
        "repeats: the user had met the item, %": 100 * activity.repeats,
    }


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
