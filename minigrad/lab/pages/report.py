"""The report of insight/html_report.py, where the lab's pages and the commands take it from."""

from ...insight.html_report import STYLE as STYLE
from ...insight.html_report import VERDICTS as VERDICTS
from ...insight.html_report import Report as Report
