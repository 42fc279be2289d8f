"""What faults cost bistoury, and what they cost other clients."""
