"""`python -m facts`: asks Magnific what the connector takes for granted, and prints what may be shown in public."""
