"""An edit, and the pieces of syntax that operators build edits from."""

import ast
import copy
from dataclasses import dataclass
from typing import TypeVar

Number = int | float
_Node = TypeVar("_Node", bound=ast.AST)


@dataclass(frozen=True)
class Edit:
    """One node of the tree and the node of the same kind that takes its place.

    ``label`` is what a reader needs before it, such as ``axis=``; without one the
    edit is shown within what surrounds it.
    """

    target: ast.expr | ast.stmt
    replacement: ast.expr | ast.stmt
    label: str = ""


def changed(node: _Node, **fields: object) -> _Node:
    """Copy one node, its children shared, with other values in some fields."""
    copied = copy.copy(node)
    for name, value in fields.items():
        setattr(copied, name, value)
    return copied


def negated(node: ast.expr, operator: ast.unaryop) -> ast.expr:
    """Put a minus or a ``not`` before an expression."""
    return ast.UnaryOp(op=operator, operand=node)


def number(node: ast.AST | None) -> Number | None:
    """Return the value of a number or boolean literal, a leading minus included."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    return None


def literal(value: bool | str | Number) -> ast.expr:
    """Write a value down; a negative number is a minus and a literal, as parsed."""
    if not isinstance(value, str) and value < 0:
        return negated(ast.Constant(value=-value), ast.USub())
    return ast.Constant(value=value)


def other_numbers(value: Number) -> list[Number]:
    """Return the wrong values to try in a number's place."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, float):
        return [value * 2 or 1.0]
    return [2, 0] if value == 1 else [value + 1]


def shifted(node: ast.expr, by: int) -> ast.expr:
    """Return ``node + by``, folded where the node ends in a whole number."""
    value = number(node)
    if isinstance(value, int):
        return literal(value + by)
    left, offset = node, by
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        value = number(node.right)
        if isinstance(value, int):
            left = node.left
            offset += value if isinstance(node.op, ast.Add) else -value
    if offset == 0:
        return left
    sign = ast.Add() if offset > 0 else ast.Sub()
    return ast.BinOp(left=left, op=sign, right=literal(abs(offset)))
