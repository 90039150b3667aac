"""The report's charts as Vega-Lite specifications without data.

The page (`page/charts.js`) puts in the rows of the chosen period, and brings colours, fonts and sizes.
"""

from __future__ import annotations

from typing import Any

import altair as alt

Spec = dict[str, Any]

_NUMBER = ",.0f"
_SHORT = "datum.value ? format(datum.value, '~s') : '0'"


def timeline() -> Spec:
    """What each unit of time used, stacked by tool from the largest at the bottom; zoomed by wheel with Ctrl, and drag.

    Rows: `start` and `end` (milliseconds; the end excluded), `tool`, `place` (1: the largest), `value`, `uses`,
    `whole` (whether all days of its bar are in it) and `what` (the bar in words). The page sets the domain of
    the colours and of time.
    """
    zoom = alt.selection_interval(
        name="zoom",
        bind="scales",
        encodings=["x"],
        zoom="wheel![event.ctrlKey || event.metaKey]",
    )
    bars = (
        alt.Chart(alt.NamedData("rows"))
        .transform_stack(
            stack="value", as_=["below", "above"], groupby=["start"], sort=[alt.SortField("place", "ascending")]
        )
        .mark_rect(style="bar")
        .encode(
            x=alt.X(
                "start:T",
                title=None,
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(grid=False, format="%-d %b %Y", tickCount=8),
            ),
            x2="end:T",
            y=alt.Y("below:Q", title=None, axis=alt.Axis(labelExpr=_SHORT, tickCount=5)),
            y2="above:Q",
            color=alt.Color("tool:N", title=None, sort=None),
            opacity=alt.condition("datum.whole", alt.value(1), alt.value(0.4)),
            tooltip=[
                alt.Tooltip("what:N", title=" "),
                alt.Tooltip("tool:N", title="Tool"),
                alt.Tooltip("value:Q", title="Used", format=_NUMBER),
                alt.Tooltip("uses:Q", title="Uses", format=_NUMBER),
            ],
        )
        .add_params(zoom)
        .properties(width="container", height=340, description="Usage over time, stacked by tool")
    )
    return _spec(bars)


def month_to_date() -> Spec:
    """Running totals over the day of the month: the chosen month solid and heavy, the one before dashed.

    Rows: `month` (its name), `newest`, `day`, `last` (of its month's rows), `value`.
    """
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X(
            "day:Q",
            title="Day of the month",
            scale=alt.Scale(domain=[1, 31], nice=False),
            axis=alt.Axis(values=[1, 5, 10, 15, 20, 25, 31], grid=False, format="d"),
        ),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(labelExpr=_SHORT, tickCount=5)),
        detail="month:N",
    )
    tooltip = [
        alt.Tooltip("month:N", title="Month"),
        alt.Tooltip("day:Q", title="Up to day"),
        alt.Tooltip("value:Q", title="Used", format=_NUMBER),
    ]
    lines = base.mark_line(interpolate="linear").encode(
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
            width="container", height=260, description="Usage of the month so far against the month before"
        )
    )


def _spec(chart: alt.TopLevelMixin) -> Spec:
    spec: Spec = chart.to_dict()
    # The page's own theme takes the place of Altair's.
    spec.pop("config", None)
    return spec
