"""What the connector costs, beside a raw floor, a Singer tap and a low-code manifest. Nothing here fails on time."""
