"""`python -m shanshui` is `shanshui`."""

from shanshui.cli import entry

entry()
