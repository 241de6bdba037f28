"""Readers of cells: each turns what many hands typed into a value, and says what it repaired or why it
cannot.

    identifiers.py  RUC, act number and year, resolution
    dates.py        days in figures, words or Excel's serial numbers
    numbers.py      amounts in guaraníes, counts of persons
    text.py         blanks, capitals, names of firms and persons, cells that look like formulas
    people.py       inspectors: one person under many spellings
    places.py       departments, districts inside them, addresses
    infractions.py  lists of infractions under any separator
    choices.py      cause and outcome of an inspection

A reader never guesses in silence: it repairs and records it, or it returns a `Problem`.
"""
