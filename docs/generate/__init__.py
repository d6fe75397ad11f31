"""The reference pages, made of the program itself.

`python -m docs.generate FOLDER` writes them all; `make reference` writes `docs/reference/`,
and `make check-docs` compares.
"""
