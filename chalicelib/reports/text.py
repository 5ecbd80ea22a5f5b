"""The run report in words: for the notification's subject and body."""

from __future__ import annotations

from chalicelib import names
from chalicelib.documents import RunReport, SolutionReport


def headline(report: RunReport) -> str:
    if report.status == "failed":
        return f"run {report.run} failed"
    results = ", ".join(f"{solution.solution} {solution.result}" for solution in report.solutions)
    return results or f"run {report.run} succeeded"


def text(report: RunReport) -> str:
    lines = [f"Run {report.run} of {report.group}: {report.status}.", report.reason, ""]
    for solution in report.solutions:
        lines.append(f"{solution.solution}: {solution.result}")
        lines += [f"  {reason}" for reason in reasons(solution)]
        if solution.failure:
            lines.append(f"  {solution.failure}")
    return "\n".join([*lines, "", f"Next: {report.next_command}"])


def summary(solutions: tuple[SolutionReport, ...]) -> str:
    """One clause a solution: what was done, and the first reason for it."""
    clauses = (
        f"{solution.solution}: {solution.result}. {next(iter(reasons(solution)), '')}".strip()
        for solution in solutions
    )
    return " ".join(clauses)


def reasons(solution: SolutionReport) -> tuple[str, ...]:
    return solution.decision.reasons if solution.decision else ()


def next_command(group: str, run: str, *, failed: bool, error: str, stack: str = "") -> str:
    """What to type now. `error` is the name of what failed the run, "" where nothing did.

    `stack` is where the run was, "" on a laptop.
    """
    where = f" --stack {stack}" if stack else ""
    if not failed:
        return f"recdrop runs{where}"
    if error == "ExportHeld":
        return f"recdrop accept {run}{where}   # if the loss is meant; else drop the whole export"
    if error == "ExportRejected":
        return (
            f"recdrop quarantine {run}{where}   "
            "# what was refused and why; mend the export and drop it again"
        )
    advice = _ADVICE.get(error, "what is done is found, not done twice")
    return (
        f"recdrop runs {names.execution(group, run)}{where}   "
        f"# the states; then drop the same export again: {advice}"
    )


# By the name of what failed the run: what the next run of the same export does about it.
_ADVICE = {
    "AccessDenied": "after a deployment that allows what was refused",
    "ConfigurationError": "after the configuration is mended",
    "LeaseHeld": "after the run that holds the group has ended",
    "ResourceFailed": "what failed is deleted or left behind, and made anew",
    "ResourcePending": "what is still being made is waited for, and made anew if it fails",
}
