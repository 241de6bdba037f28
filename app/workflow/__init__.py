"""Procedures as data, and pure functions on them: no database, no models, no clock.

`definition` holds a procedure version as frozen dataclasses and says what is wrong with one; `loading` makes
them from a mapping (a YAML file or rows). `conditions` is the one condition language. `guards` and `effects`
are what code knows by name: guards are judged here on facts, effects are only named here and performed by
operations. `terms` is deadline arithmetic. `engine` interprets: which moves a record offers, and what one
move brings. Operations fetch facts, call the engine, and write.
"""
