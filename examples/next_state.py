"""`python next_state.py state.json < messages.json` brings state.json to where the next `read` goes on.

Run it once your destination has stored the records. A stream without a STATE among the messages keeps the one it had.
"""

import json
import sys
from pathlib import Path

file = Path(sys.argv[1])
states = json.loads(file.read_text()) if file.exists() else []
states += [message["state"] for message in map(json.loads, sys.stdin) if message["type"] == "STATE"]
# The last one of each stream; under another name first, so that an interruption leaves the file whole.
last = {state["stream"]["stream_descriptor"]["name"]: state for state in states}
new = file.with_name(f"{file.name}.new")
new.write_text(json.dumps(list(last.values())))
new.replace(file)
