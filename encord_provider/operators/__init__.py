"""Operators: one module per step of the chain."""
