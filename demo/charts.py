"""The report's charts: rows in, Vega-Lite specifications out.

Colours, fonts and sizes are the page's business (`page.js`), so that light and dark share one specification.
Before it draws, the page sets the height of bar charts and the parameters `from` and `to` (days, both inclusive),
`size`, `tool` and `period`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from demo.warehouse import Row

Spec = dict[str, Any]

_NUMBER = ",d"
_SHORT = "datum.value ? format(datum.value, '~s') : '0'"


def timeline(rows: Sequence[Row], granularity: str) -> Spec:
    """Credits of each bucket, stacked by tool from the largest at the bottom; zoomed by wheel with Ctrl, and drag."""
    tools = list(dict.fromkeys(row["tool"] for row in sorted(rows, key=lambda row: int(row["place"]))))
    zoom = alt.selection_interval(
        name="zoom",
        bind="scales",
        encodings=["x"],
        zoom="wheel![event.ctrlKey || event.metaKey]",
    )
    sizes = ("day", "week", "month") if granularity == "day" else (granularity,)
    values = [_only(row, *sizes, "tool", "place", "credits", "uses") for row in rows]
    bars = (
        alt.Chart(alt.InlineData(values=values))
        .transform_calculate(date=f"utcParse(datum.{sizes[0]}, '%Y-%m-%d')", start="utcParse(datum[size], '%Y-%m-%d')")
        .transform_filter("datum.date >= from && datum.date <= to && (tool == '' || datum.tool == tool)")
        .transform_aggregate(credits="sum(credits)", uses="sum(uses)", groupby=["start", "tool", "place"])
        .transform_calculate(end="utcOffset(size, datum.start)")
        .transform_stack(
            stack="credits", as_=["below", "above"], groupby=["start"], sort=[alt.SortField("place", "ascending")]
        )
        .mark_rect(strokeWidth=0.5, style="bar")
        .encode(
            x=alt.X(
                "start:T",
                title=None,
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(grid=False, format="%-d %b %Y", tickCount=8),
            ),
            x2="end:T",
            y=alt.Y("below:Q", title="Credits", axis=alt.Axis(labelExpr=_SHORT, tickCount=5)),
            y2="above:Q",
            color=alt.Color("tool:N", title=None, sort=tools, scale=alt.Scale(domain=tools)),
            tooltip=[
                alt.Tooltip("start:T", title="From", format="%-d %B %Y", formatType="utc"),
                alt.Tooltip("tool:N", title="Tool"),
                alt.Tooltip("credits:Q", title="Credits", format=_NUMBER),
                alt.Tooltip("uses:Q", title="Uses", format=_NUMBER),
            ],
        )
        .add_params(
            zoom,
            *(alt.param(name=name, value=value) for name, value in (("from", 0), ("to", 0), ("tool", ""))),
            alt.param(name="size", value=granularity),
        )
        .properties(width="container", height=340, description="Credits over time, stacked by tool")
    )
    return _spec(bars)


def month_to_date(rows: Sequence[Row]) -> Spec:
    """Running totals of two months over the day of the month: the newest solid and heavy, the one before dashed."""
    values = [_only(row, "month", "newest", "day", "last", "credits") for row in rows]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "day:Q",
            title="Day of the month",
            scale=alt.Scale(domain=[1, 31], nice=False),
            axis=alt.Axis(values=[1, 5, 10, 15, 20, 25, 31], grid=False, format="d"),
        ),
        y=alt.Y("credits:Q", title="Credits, running total", axis=alt.Axis(labelExpr=_SHORT, tickCount=5)),
        detail="month:N",
    )
    tooltip = [
        alt.Tooltip("month:N", title="Month"),
        alt.Tooltip("day:Q", title="Up to day"),
        alt.Tooltip("credits:Q", title="Credits", format=_NUMBER),
    ]
    lines = base.mark_line(interpolate="monotone").encode(
        strokeDash=alt.StrokeDash(
            "newest:N", legend=None, scale=alt.Scale(domain=[True, False], range=[[1, 0], [5, 4]])
        ),
        strokeWidth=alt.condition("datum.newest", alt.value(3), alt.value(2)),
        opacity=alt.condition("datum.newest", alt.value(1), alt.value(0.65)),
    )
    points = base.mark_point(size=60, filled=True).encode(
        opacity=alt.condition("datum.last", alt.value(1), alt.value(0)), tooltip=tooltip
    )
    side = alt.expr("datum.day > 15 ? 'right' : 'left'")
    ends = base.transform_filter("datum.last").mark_text(dy=-12, align=side, fontWeight=600).encode(text="month:N")
    return _spec(
        alt.layer(lines, points, ends).properties(
            width="container", height=260, description="Credits of the month so far against the month before"
        )
    )


def ranking(rows: Sequence[Row], description: str) -> Spec:
    """One bar for each name in the order of `rows`, its credits written at its end; leftovers come last and pale."""
    return _bars(rows, description, "credits", "Credits", "format(datum.credits, ',')", room=90)


def credits_per_use(rows: Sequence[Row]) -> Spec:
    """What one use of each tool costs on average, the dearest first, with how often it was used."""
    price = "format(datum.per_use, datum.per_use < 10 ? '.1~f' : ',.0f')"
    written = f"{price} + '  \N{MULTIPLICATION SIGN}  ' + format(datum.uses, ',') + ' uses'"
    return _bars(rows, "Credits per use of each tool", "per_use", "Credits per use", written, room=150)


def _bars(rows: Sequence[Row], description: str, measure: str, title: str, written: str, room: int) -> Spec:
    """`written` is the expression of the figure above a bar's end, `room` the pixels it needs."""
    fields = ("period", "name", "credits", "uses", "per_use", "role", "leftover", "others")
    values = [{**_only(row, *(field for field in fields if field in row)), "place": n} for n, row in enumerate(rows)]
    base = (
        alt.Chart(alt.InlineData(values=values))
        .transform_filter("datum.period == period")
        # Everyone else together would dwarf each single bar: a figure is enough.
        .transform_calculate(written=written, length=f"datum.others ? 0 : datum.{measure}")
        .encode(
            y=alt.Y("place:O", title=None, axis=None),
            x=alt.X("length:Q", title=None, axis=None, scale=alt.Scale(domainMin=0, nice=False)),
            tooltip=[
                alt.Tooltip("name:N", title=" "),
                alt.Tooltip(f"{measure}:Q", title=title, format=",.1~f"),
                alt.Tooltip("uses:Q", title="Uses", format=_NUMBER),
            ],
        )
    )
    # Name and figure stand above the bar: long names need no room beside it, on a phone least of all.
    bars = base.mark_bar(height=8, yOffset=8, cornerRadiusEnd=2).encode(
        opacity=alt.condition("datum.leftover", alt.value(0.45), alt.value(1))
    )
    label = "datum.role && datum.role != 'member' ? datum.name + '  ·  ' + datum.role : datum.name"
    names = (
        base.transform_calculate(label=label)
        .mark_text(align="left", yOffset=-7, limit=alt.expr(f"width - {room}"))
        .encode(x=alt.value(0), text="label:N")
    )
    figures = base.mark_text(align="right", yOffset=-7).encode(x=alt.value("width"), text="written:N")
    chart = alt.layer(bars, names, figures).add_params(alt.param(name="period", value="all"))
    return _spec(chart.properties(width="container", description=description))


def _only(row: Row, *fields: str) -> Row:
    return {field: row[field] for field in fields}


def _spec(chart: alt.TopLevelMixin) -> Spec:
    spec: Spec = chart.to_dict()
    # The page's own theme takes the place of Altair's.
    spec.pop("config", None)
    return spec
