"""Seed data as files (YAML and CSV). Loaded by operations/seeding.py, idempotently: they only ever add."""
