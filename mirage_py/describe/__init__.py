"""What `query` and `describe` tell about a configuration: read-only views of what the workflow resolved."""

from __future__ import annotations

from mirage_py.describe.data import description, graph_data
from mirage_py.describe.pictures import centred, dot, mermaid
from mirage_py.describe.queries import KINDS, Answer, answers
from mirage_py.describe.served import Served, served_by
from mirage_py.describe.text import describe_text

__all__ = [
    "KINDS",
    "Answer",
    "Served",
    "answers",
    "centred",
    "describe_text",
    "description",
    "dot",
    "graph_data",
    "mermaid",
    "served_by",
]
