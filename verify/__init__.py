"""Two commands that check the connector against the real API.

`make facts`: `facts` asks Magnific the `questions`; `shapes` and `agreement` judge the `answers`.
`make compare`: `compare` reads an `export` of the dashboard, compares in SQL, and says the `reasons` for differences.
"""
