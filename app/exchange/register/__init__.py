"""The historical register of inspections, from a file of unknown shape to judged rows. No database, no Flask.

    errors.py    RegisterError: a file that cannot be read as a register, and what to do about it
    columns.py   the fields of a register, the wordings of their headers, and how headers are matched
    csvtext.py   text tables: encoding, separator, records that survive wrong quoting
    xlsx.py      workbooks: typed cells as text, formulas never evaluated, guarded against bombs
    reading.py   detect(source) -> Layout;  rows(source, layout) -> RawRow, one at a time
    folding.py   the fold of core.types, faster
    marks.py     Repair, Problem, Notice and Cell: what a cell's reading can say
    cells/       one reader per kind of cell: RUC, act, dates, numbers, names, places, infractions
    catalogs.py  the plain mappings that the caller fills
    judge.py     judge(raw, catalogs, today) -> Judged: blank, quarantined or ok, with a CleanRow
    ledger.py    Ledger: duplicates and conflicts, in the file and against what is known
    account.py   totals that add up, the report of every row, and the corrected report read back

A whole import is: `layout = detect(path)`; for each `raw` of `rows(path, layout)`:
`decision = ledger.decide(judge(raw, catalogs, today))`; `account.add(decision)`.
"""
