"""Save the state for the next `read`: `python next_state.py state.json < messages.json` updates state.json.

Run this script once your destination has stored the records. A stream that sent no STATE message keeps its old state.
"""

import json
import sys
from pathlib import Path

file = Path(sys.argv[1])
states = json.loads(file.read_text()) if file.exists() else []
states += [message["state"] for message in map(json.loads, sys.stdin) if message["type"] == "STATE"]
# Keep the last state of each stream. Write a temporary file first, so that an interruption cannot damage state.json.
last = {state["stream"]["stream_descriptor"]["name"]: state for state in states}
new = file.with_name(f"{file.name}.new")
new.write_text(json.dumps(list(last.values())))
new.replace(file)
