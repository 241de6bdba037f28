"""What comes in and goes out: files that are parsed, checked and written, and answers for machines.

    register/   the historical register: reading, repairing, judging and accounting, without a database

Nothing here reads Flask's request: views and the command line hand in paths, bytes and plain values.
"""
