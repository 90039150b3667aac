-- Rows of plans with the same scope, name and first day. Two rows of rollover or packs may share these.
{{ magnific_analytics.repeated("(select * from " ~ ref("int_magnific__allowances") ~ " where valid_to is null) as plans",
    ["team", "scope", "name_key", "valid_from"]) }}
