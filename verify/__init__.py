"""Two ways to hold the connector against reality, each a command.

`make facts`: `facts` asks Magnific the `questions`; `shapes` and `agreement` judge the `answers`.
`make compare`: `compare` reads an `export` of the dashboard, compares in SQL, and says the `reasons` for differences.
"""
