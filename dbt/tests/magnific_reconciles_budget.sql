{{ magnific_analytics.cycle_differences(
    "select team, scope, name, cycle_start, cycle_end, used from " ~ ref("magnific__budget")
) }}
