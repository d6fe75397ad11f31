"""Use cases about settings as such: see, check, choose and make profiles."""
