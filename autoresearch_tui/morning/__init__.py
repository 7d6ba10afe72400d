"""The morning after: what happened, what is real, what now. It reads the journal and what was observed, and never imports the engine."""
