"""Where the states of a process stand in its diagram, and the lines between them: places only, no drawing.

Columns follow the way of the procedure (the shortest number of moves from the start), rows keep lines short.
Units are those of the picture (pixels at normal size). The same process gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.workflow.definition import Move, Process, State

WIDE, HIGH = 168, 46
"""The box of a state."""
STEP_X, STEP_Y = 236, 76
"""From one column, or row, to the next."""
EDGE = 16
"""Around everything."""


@dataclass(frozen=True)
class Box:
    """A state and its upper left corner."""

    state: State
    x: int
    y: int

    @property
    def middle(self) -> int:
        """The height of its middle."""
        return self.y + HIGH // 2


@dataclass(frozen=True)
class Line:
    """The moves between two states in one direction, and the path that draws them (SVG)."""

    moves: tuple[Move, ...]
    path: str
    back: bool

    @property
    def words(self) -> str:
        """What the line says."""
        return " · ".join(dict.fromkeys(move.label for move in self.moves))


@dataclass(frozen=True)
class Diagram:
    """A picture of a process: its size, boxes and lines."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def draw(process: Process) -> Diagram:
    """The diagram of a process. A move that stays in its state has no line."""
    columns = _columns(process)
    boxes = {
        state.code: Box(state, EDGE + column * STEP_X, EDGE + row * STEP_Y)
        for column, states in enumerate(columns)
        for row, state in enumerate(states)
    }
    joined: dict[tuple[str, str], list[Move]] = {}
    for move in process.moves:
        if move.from_state != move.to_state and {move.from_state, move.to_state} <= boxes.keys():
            joined.setdefault((move.from_state, move.to_state), []).append(move)
    lines = tuple(_line(boxes[a], boxes[b], tuple(moves)) for (a, b), moves in joined.items())
    rows = max((len(states) for states in columns), default=1)
    return Diagram(
        width=2 * EDGE + (len(columns) - 1) * STEP_X + WIDE,
        height=2 * EDGE + (rows - 1) * STEP_Y + HIGH,
        boxes=tuple(boxes.values()),
        lines=lines,
    )


def _columns(process: Process) -> list[list[State]]:
    """The states by their distance from the start; what is not reached stands in the last column."""
    far: dict[str, int] = {}
    fresh = (
        [process.start.state] if process.start else [state.code for state in process.states if state.final]
    )
    codes = {state.code for state in process.states}
    fresh = [code for code in fresh if code in codes]
    depth = 0
    while fresh:
        far.update(dict.fromkeys(fresh, depth))
        onward = [move.to_state for code in fresh for move in process.moves_from(code)]
        fresh = [code for code in dict.fromkeys(onward) if code not in far and code in codes]
        depth += 1
    columns: list[list[State]] = [[] for _ in range(depth)]
    lost = [state for state in process.states if state.code not in far]
    for state in process.states:
        if state.code in far:
            columns[far[state.code]].append(state)
    columns = [_settled(process, columns, number) for number in range(len(columns))]
    return [*columns, lost] if lost else columns


def _settled(process: Process, columns: list[list[State]], number: int) -> list[State]:
    """The states of a column in the order of those that lead to them."""
    if number == 0:
        return columns[0]
    above = {state.code: row for row, state in enumerate(columns[number - 1])}

    def height(state: State) -> float:
        rows = [
            above[m.from_state] for m in process.moves if m.to_state == state.code and m.from_state in above
        ]
        return sum(rows) / len(rows) if rows else len(above)

    columns[number] = sorted(columns[number], key=height)
    return columns[number]


def _line(start: Box, end: Box, moves: tuple[Move, ...]) -> Line:
    if end.x > start.x:
        x1, y1, x2, y2 = start.x + WIDE, start.middle, end.x - 6, end.middle
        bend = (x2 - x1) // 2
        return Line(moves, f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}", back=False)
    # Back, or within its column: around below, so that it is not taken for a way forward.
    x1, x2 = start.x + WIDE * 2 // 3, end.x + WIDE // 3
    y1, y2 = start.y + HIGH, end.y + HIGH + 6
    low = max(y1, y2) + 24
    if start.x == end.x and start.y < end.y:
        x1 = x2 = start.x + WIDE // 2
        return Line(moves, f"M{x1} {y1}L{x2} {end.y - 6}", back=False)
    return Line(moves, f"M{x1} {y1}C{x1} {low} {x2} {low} {x2} {y2}", back=True)
