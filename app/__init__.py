"""SIS, Sistema de Inspección del Trabajo: the map of this tree.

    factory.py  cli.py   the application and the `flask` commands
    embedded.py          launcher of the embedded PostgreSQL (used when no DATABASE_URL is given)
    wal.py               the log of that PostgreSQL, kept; back to a moment
    assets_manifest.py   names of the built front-end files
    core/                base, types, errors, clock, calendar
    workflow/            pure interpreter of procedure versions, conditions, terms
    models/              tables, one file per context
    security/            matrix of roles, row scope, our SecurityManager
    operations/          the only writers: unit (the one commit), records, seeding, one file per context
    exchange/            what comes in and goes out: imports, exports
    jobs.py              background tasks, each a call of one operation
    views/               screens: base, menu, one file per context
    templates/ assets/ static/ seeds/ migrations/

Imports go down only: factory > cli | jobs > views > exchange > operations > documents | reporting |
prediction > security > models > workflow > core. This module imports nothing.
"""
