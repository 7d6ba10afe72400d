"""The journal, its results.tsv and the wild relatives of that file."""
