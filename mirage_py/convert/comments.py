"""Comments, brought to the statement or the item that they stand by."""

from __future__ import annotations

from mirage_py.convert import tree as t
from mirage_py.convert.dialect import stated
from mirage_py.convert.python import AnyStatement, Do, Remark
from mirage_py.convert.tree import Comment


class Comments:
    """The comments of a file, each given away once."""

    def __init__(self, source: t.Source) -> None:
        self._source = source
        self._left = list(source.comments)
        if self._left and self._left[0].line == 1 and stated(source.text) is not None:
            self._left.pop(0)  # which releases of the OCaml tool the file is for says nothing here

    def before(self, node: t.Node, statement: AnyStatement) -> None:
        """Give a statement the comments that stand before what it is made from."""
        statement.above += self._take(0, node.start)
        statement.apart = self._apart(node)

    def attach(self, item: t.Item, made: list[AnyStatement], every: list[AnyStatement]) -> None:
        """Give the statements of a definition what is left of its comments, and one that stands behind it."""
        if not made:
            return
        first = made[0]
        first.apart = self._apart(item)
        first.above[:0] = self._take(0, item.start)
        first.above += self._take(item.start, item.end)
        last = self._source.line_of(item.end)
        behind = next((c for c in self._left if c.start >= item.end and c.line == last and not c.own_line), None)
        if behind is not None and len(behind.lines) == 1:
            self._left.remove(behind)
            made[-1].behind = behind.lines[0]
        del every

    def rest(self, statements: list[AnyStatement]) -> None:
        """What stands at the end of the file."""
        left = self._take(0, len(self._source.text))
        if left:
            statements.append(Do(line=0, value=None, above=left, apart=True))

    def of_items(self, node: t.ListOf) -> tuple[Remark, ...]:
        """For each item of a list, and for its end, the comments that stand by it."""
        inside = [c for c in self._left if node.start < c.start and c.end < node.end]
        inside = [c for c in inside if not any(item.start <= c.start < item.end for item in node.items)]
        if not inside:
            return ()
        above: list[list[str]] = [[] for _ in range(len(node.items) + 1)]
        behind = [""] * (len(node.items) + 1)
        for comment in inside:
            self._left.remove(comment)
            at = sum(1 for item in node.items if item.end <= comment.start)
            follows = at and self._source.line_of(node.items[at - 1].end) == comment.line
            if follows and len(comment.lines) == 1 and not behind[at - 1]:
                behind[at - 1] = comment.lines[0]
            else:
                above[at] += comment.lines
        return tuple(Remark(line=node.line, above=tuple(a), behind=b) for a, b in zip(above, behind, strict=True))

    def _take(self, start: int, end: int) -> list[str]:
        taken = [c for c in self._left if start <= c.start and c.end <= end]
        for comment in taken:
            self._left.remove(comment)
        return [line for comment in taken for line in self._with_gap(comment, taken)]

    def _with_gap(self, comment: Comment, taken: list[Comment]) -> list[str]:
        """A comment's lines; an empty one first where the file sets it apart from the comment before."""
        at = taken.index(comment)
        gap = at > 0 and comment.line > taken[at - 1].last_line + 1
        return ["", *comment.lines] if gap else list(comment.lines)

    def _apart(self, node: t.Node) -> bool:
        before = self._source.text[: node.start].rstrip(b" \t")
        return before.endswith((b"\n\n", b"*)\n")) or not before.strip()
