"""From the text of an edit to its pieces, in each form that a model writes."""
