"""Backups: plain folders ``backups/<stamp>/`` in the data directory, each with a ``metadata.json`` that says all of it.

A folder is made under a name of its own and renamed when it is complete, so whatever carries a stamp is whole.
"""
