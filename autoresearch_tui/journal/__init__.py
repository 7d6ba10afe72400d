"""What happened. Everyone reads the journal; it imports none of the others."""
