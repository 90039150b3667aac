{{ magnific_analytics.cycle_differences(
    "select team, 'team' as scope, team as name, month as cycle_start, used_through as cycle_end, used from "
    ~ ref("magnific__month")
) }}
