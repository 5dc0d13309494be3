"""The report of one analysis as a page: self-contained, Japanese and English, for screen and paper."""

from sekisho.web.report.page import render
from sekisho.web.report.series import ReportSeries

__all__ = ["ReportSeries", "render"]
