"""Tools for testing code that uses bistoury, and bistoury itself."""
