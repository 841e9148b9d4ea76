"""Did-you-mean: the one known name that a misspelt one most likely stands for.

    closest("count_instance", ["instance_count", "compute"])  ->  "instance_count"

Three tries, the surest first: the same but for case, within an edit distance of a third of its length,
the same words in another order. Silence is better than a wrong guess, so there is at most one answer.
The distance counts a swap of two neighbours as one edit (optimal string alignment).
"""

from __future__ import annotations

from collections.abc import Iterable

# Words people bring from other tools, where no edit distance can help.
SYNONYMS = {
    "args": "command",
    "container": "environment",
    "cron": "schedule",
    "depends_on": "after",
    "dependencies": "after",
    "needs": "after",
    "dependsOn": "after",
    "docker": "environment",
    "early_stopping": "early_termination",
    "policy": "early_termination",
    "env": "environment_variables",
    "environ": "environment_variables",
    "gpu": "compute",
    "target": "compute",
    "compute_target": "compute",
    "hyperparameters": "search_space",
    "parameter_space": "search_space",
    "image": "environment",
    "jobs": "steps",
    "nodes": "steps",
    "stages": "steps",
    "tasks": "steps",
    "matrix": "foreach",
    "if": "when",
    "condition": "when",
    "parameters": "params",
    "retries": "retry",
    "run": "command",
    "script": "command",
    "max_total_runs": "max_total_trials",
    "max_concurrent_runs": "max_concurrent_trials",
    "primary_metric_name": "primary_metric",
    "metric": "primary_metric",
    "deps": "inputs",
    "outs": "outputs",
    "vars": "params",
    "trial": "component",
}

# How many names a help line lists; every mapping of the language has fewer keys.
MOST_NAMES = 36


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known name that ``word`` most likely stands for, or None."""
    names = list(known)
    folded = word.casefold()
    for name in names:
        if name.casefold() == folded:
            return name
    limit = max(len(word), 3) // 3
    best, best_distance = None, limit + 1
    for name in names:
        distance = edit_distance(folded, name.casefold(), best_distance)
        if distance < best_distance:
            best, best_distance = name, distance
    if best is not None:
        return best
    words = sorted(folded.replace("-", "_").split("_"))
    for name in names:
        if sorted(name.casefold().replace("-", "_").split("_")) == words:
            return name
    synonym = SYNONYMS.get(word)
    return synonym if synonym in names else None


def edit_distance(left: str, right: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps between two words; ``limit`` or more reads as ``limit``."""
    if abs(len(left) - len(right)) >= limit:
        return limit
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) >= limit:
            return limit
    return min(row[-1], limit)


def did_you_mean(word: str, known: Iterable[str], what: str = "") -> str | None:
    """The help line for an unknown name: a guess, else the names there are, else nothing."""
    names = sorted(set(known))
    guess = closest(word, names)
    if guess is not None:
        return f"did you mean `{guess}`?"
    if not names:
        return f"there are no {what}" if what else None
    shown = ", ".join(f"`{name}`" for name in names[:MOST_NAMES])
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{what or 'known'}: {shown}{more}" if what else f"expected one of {shown}{more}"
