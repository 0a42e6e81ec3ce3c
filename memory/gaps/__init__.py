"""Where flows fall short: rules over the sessions of a month."""
