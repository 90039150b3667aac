"""How long a test waits for what has to come."""

# Seconds after which whatever is awaited is stuck, and not slow, on whatever machine.
HUNG = 3600
