"""
The examination: from the name of the venue to its data, one step at a time.

It uses the real client and the real transport, so that what is found well here
is well for a bot too. Each step has a deadline.
"""

from __future__ import annotations

from .check import Check
from .course import Course, examine

__all__ = ["Check", "Course", "examine"]
