-- Plan rows with the same scope, name and first day. Rollover and pack rows may share all three, so they are left out.
{{ magnific_analytics.repeated("(select * from " ~ ref("int_magnific__allowances") ~ " where valid_to is null) as plans",
    ["team", "scope", "name_key", "valid_from"]) }}
