"""Small readers of libcst nodes, shared by the facts and the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

# Fields that hold only white space, comments and punctuation: nothing below them is a name, a call or a statement.
_LAYOUT = frozenset(
    {
        "leading_lines", "lines_after_decorators", "trailing_whitespace", "header", "footer", "lpar", "rpar", "comma",
        "equal", "dot", "semicolon", "lbracket", "rbracket", "lbrace", "rbrace", "colon", "indent", "body_newline",
    }
)  # fmt: skip
# libcst's node types are abstract base classes, whose `isinstance` is slow: each type is asked once.
_fields: dict[type, tuple[str, ...]] = {}
_is_node: dict[type, bool] = {}


def _fields_of(node_type: type[cst.CSTNode]) -> tuple[str, ...]:
    fields = _fields.get(node_type)
    if fields is None:
        names = getattr(node_type, "__dataclass_fields__", {})
        fields = _fields[node_type] = tuple(n for n in names if n not in _LAYOUT and not n.startswith("whitespace"))
    return fields


def _node(value: object) -> bool:
    kind = type(value)
    answer = _is_node.get(kind)
    if answer is None:
        answer = _is_node[kind] = issubclass(kind, cst.CSTNode)
    return answer


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """Return the direct children of `node` in source order, without layout nodes."""
    found: list[cst.CSTNode] = []
    for field in _fields_of(type(node)):
        value = getattr(node, field)
        if _node(value):
            found.append(value)
        elif type(value) is list or type(value) is tuple:
            found.extend(item for item in value if _node(item))
    return found


def walk(root: cst.CSTNode, *, skip: tuple[type[cst.CSTNode], ...] = ()) -> Iterator[cst.CSTNode]:
    """Yield `root` and every node below it in source order, not entering nodes of the types in `skip`."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, skip):
            stack.extend(reversed(children(node)))


def dotted(node: cst.CSTNode | None) -> str | None:
    """Return `a.b.c` for a name or an attribute chain of names, None for anything else."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    parts.append(node.value)
    return ".".join(reversed(parts))


def code(node: cst.CSTNode) -> str:
    """Return the source text of `node` without surrounding white space."""
    return cst.Module([]).code_for_node(node).strip()


def string_value(node: cst.CSTNode) -> str | None:
    """Return the value of a plain string literal, None for anything else (bytes and f-strings among them)."""
    if not isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
        return None
    try:
        value = node.evaluated_value
    except (SyntaxError, ValueError, RecursionError):
        return None
    return value if isinstance(value, str) else None


def statements(block: cst.BaseSuite | cst.Module | Sequence[cst.CSTNode]) -> Iterator[cst.CSTNode]:
    """Yield the statements of a block, those that share a line one by one."""
    body: Sequence[cst.CSTNode] = block.body if isinstance(block, (cst.BaseSuite, cst.Module)) else block
    for item in body:
        if isinstance(item, cst.SimpleStatementLine):
            yield from item.body
        else:
            yield item
