"""The order of steps and the cycles that forbid one, against a slow and obvious reference."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.ir import graph

NAMES = "abcdefgh"
NEEDS = st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), max_size=3), max_size=8).map(
    lambda found: {name: tuple(sorted(need for need in needs if need in found)) for name, needs in found.items()}
)


def test_each_step_comes_after_those_it_needs_and_ties_stay_as_written() -> None:
    assert graph.order({"d": ("b", "c"), "c": ("a",), "b": ("a",), "a": (), "e": ()}) == ["a", "e", "c", "b", "d"]


@settings(max_examples=300, deadline=None)
@given(NEEDS)
def test_order_and_cycles_share_out_the_steps(needs: dict[str, tuple[str, ...]]) -> None:
    ordered = graph.order(needs)
    for at, name in enumerate(ordered):
        assert set(needs[name]) <= set(ordered[:at])
    stuck = set(needs) - set(ordered)
    cycles = graph.cycles(needs)
    assert bool(cycles) == bool(stuck)
    for path in cycles:
        assert path[0] == path[-1] and len(set(path[:-1])) == len(path) - 1
        for source, reader in pairwise(path):
            assert source in needs[reader], "the path follows the data"
    on_a_path = [name for path in cycles for name in path[:-1]]
    assert len(on_a_path) == len(set(on_a_path)), "no step is in two reported cycles"


def test_a_cycle_is_reported_once_and_those_behind_it_are_not() -> None:
    needs = {"a": ("c",), "b": ("a",), "c": ("b",), "behind": ("c",), "further": ("behind",), "self": ("self",)}
    assert graph.cycles(needs) == [["b", "c", "a", "b"], ["self", "self"]] or graph.cycles(needs)[0][0] in "abc"
    assert len(graph.cycles(needs)) == 2


def test_a_chain_of_twenty_thousand_steps_neither_recurses_nor_takes_long() -> None:
    needs = {f"s{n}": (f"s{n - 1}",) if n else () for n in range(20_000)}
    assert graph.order(needs) == list(needs)
    needs["s0"] = ("s19999",)
    assert len(graph.cycles(needs)[0]) == 20_001
