-- Plan rows with the same scope, name and first day. Rows for rollover and packs can share all three.
{{ magnific_analytics.repeated("(select * from " ~ ref("int_magnific__allowances") ~ " where valid_to is null) as plans",
    ["team", "scope", "name_key", "valid_from"]) }}
