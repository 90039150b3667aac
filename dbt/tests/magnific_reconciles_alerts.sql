{{ magnific_analytics.cycle_differences(
    "select distinct team, scope, name, cycle_start, cycle_end, used from " ~ ref("magnific__alerts")
) }}
