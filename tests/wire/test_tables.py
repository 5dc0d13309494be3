"""The literal tables of wire/: formats, elements, and the hash tables that kernels read."""

from __future__ import annotations

from importlib import import_module

from hypothesis import given, settings
from hypothesis import strategies as st

from export_builders import new_decoder
from sekisho.wire import FORMATS
from sekisho.wire.elements import ELEMENTS, WORDS, Target
from sekisho.wire.keys import KeyTable, find


def test_each_format_has_its_module():
    """Every row names a module with the version word it says and a kernel that opens its messages."""
    for wire_format in FORMATS:
        module = import_module(wire_format.module)
        assert wire_format.version == module.VERSION
        assert callable(module.open_message)


def test_each_target_has_an_element():
    """A target without an element could never be filled; two elements of one target have different ranks."""
    from_headers = {Target.TUNNEL_KIND, Target.TUNNEL_SRC, Target.IP_START}
    assert {element.target for element in ELEMENTS.values()} == set(Target) - from_headers
    ranks = [(element.target, element.rank) for element in ELEMENTS.values()]
    assert len(ranks) == len(set(ranks))
    assert max(Target) + 1 == WORDS


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 60), st.booleans()), max_size=300))
def test_key_table_is_a_dict(operations):
    """Whatever was stored and removed, kernels find what the dict has."""
    new_decoder()  # the kernels are warm from here on
    table, expected = KeyTable(), {}
    for n, (upper, lower, removes) in enumerate(operations):
        if removes:
            table.remove(upper, lower)
            expected.pop((upper, lower), None)
        else:
            table.set(upper, lower, n)
            expected[upper, lower] = n
    assert len(table) == len(expected)
    for upper in range(-5, 6):
        for lower in range(61):
            assert max(-1, find(table.index, upper, lower)) == expected.get((upper, lower), -1)
            assert table.get(upper, lower) == expected.get((upper, lower), -1)
