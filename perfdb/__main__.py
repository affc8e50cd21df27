"""`python -m perfdb`."""

from perfdb.cli import entry

entry()
