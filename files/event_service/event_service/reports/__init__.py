"""Reports: fetch every raw sample of a run, compute, render."""

from event_service.reports.model import Image, Made, Note, ReportError, ReportRequest, SystemSpan

__all__ = ["Image", "Made", "Note", "ReportError", "ReportRequest", "SystemSpan"]
