"""Yesterday's calls decided on again, under another policy: what would have been served, and was it right?

The log is read and nothing else; the calls run through the real ``Cache`` over a store of its own.
"""
