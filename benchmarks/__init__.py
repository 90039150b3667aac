"""What the connector costs, compared with a script, a Singer tap and a low-code manifest. Slowness fails nothing."""
