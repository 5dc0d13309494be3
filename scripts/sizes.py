#!/usr/bin/env python3
"""Print modules and functions that are over the sizes of the style guide; fail on the hard limits."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

MODULE_THINK, MODULE_STOP = 400, 600
FUNCTION_THINK, FUNCTION_STOP = 40, 80
EXCUSE = "# size:"
"""A kernel may say why it is long, on its ``def`` line or the one below."""


def main() -> int:
    stop = 0
    for path in sorted(Path("src").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        stop += report(str(path), len(lines), MODULE_THINK, MODULE_STOP, excused=False)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = body_length(node)
                head = "\n".join(lines[node.lineno - 1 : node.body[0].lineno])
                stop += report(
                    f"{path}:{node.lineno} {node.name}", length, FUNCTION_THINK, FUNCTION_STOP, excused=EXCUSE in head
                )
    return 1 if stop else 0


def body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring: a long argument list or explanation is no complexity."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def report(what: str, length: int, think: int, stop: int, *, excused: bool) -> bool:
    over = length > stop and not excused
    if length > think:
        print(f"{'STOP ' if over else 'think'} {length:4d} lines  {what}")
    return over


if __name__ == "__main__":
    sys.exit(main())
