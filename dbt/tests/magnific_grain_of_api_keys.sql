{{ config(enabled=var("magnific_analytics_api_keys_enabled")) }}

{{ magnific_analytics.repeated(ref("magnific__api_keys"), ["month", "api_key_id"]) }}
