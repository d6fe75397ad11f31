"""The recorded terminal session: commands typed into a real shell, and what came, as one animated picture.

`make recording` writes `docs/images/session.svg`.
"""
