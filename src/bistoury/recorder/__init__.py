"""The incident journal: what happened to a client, and the same again."""
