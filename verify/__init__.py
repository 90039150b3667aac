"""Two ways to hold the connector against reality, each a command.

`make facts`: `facts` asks Magnific the `questions`, reads the `answers` and judges each of the `assumptions`.
`make compare`: `compare` reads an `export` of the dashboard, compares in SQL, and says the `reasons` for differences.
"""

from pathlib import Path

FOLDER = Path("demo-output")
"""Where `make demo` leaves its files, and the page of facts its own."""
