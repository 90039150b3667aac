-- Two plans of one day for one scope and name. (Rollover and packs may be alike.)
{{ magnific_analytics.repeated("(select * from " ~ ref("int_magnific__allowances") ~ " where valid_to is null) as plans",
    ["team", "scope", "name_key", "valid_from"]) }}
