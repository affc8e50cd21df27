"""How fast: `python -m tests.bench [NAME…]` measures, compares with the limits, and exits 1 where one is missed."""
