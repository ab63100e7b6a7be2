"""The page that a training writes into its run folder, and keeps up to date while it runs: report.html."""

from shanshui.commands.run_report.listener import report, write_report

__all__ = ["report", "write_report"]
