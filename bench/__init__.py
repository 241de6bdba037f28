"""Measurement: `make bench`. Never imported by the product."""
