"""
The shortest plan of faults that still breaks something.

A drawn plan has a dozen steps, of which one or two matter. Steps are left out, by
halves, quarters and one by one, for as long as what is left still breaks it.
"""

from __future__ import annotations

from collections.abc import Callable

from ..simulator.plan import FaultPlan


def shortest(plan: FaultPlan, breaks: Callable[[FaultPlan], bool]) -> FaultPlan:
    """
    Return ``plan`` without the steps that are not needed for ``breaks`` to be true.

    ``breaks`` plays a plan from the same seed each time; it is true for ``plan``.
    """
    steps = plan.steps
    size = len(steps)
    while size:
        size = (size + 1) // 2
        at = 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size :]
            if breaks(FaultPlan(fewer)):
                steps = fewer
            else:
                at += size
        if size == 1:
            break
    return FaultPlan(steps)
