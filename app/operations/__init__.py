"""The verbs of the system, the only writers: permission, scoped load, guards, change, act, reactions."""
